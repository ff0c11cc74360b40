#ifndef EXAMPLES_COMMAND_LINE_H_
#define EXAMPLES_COMMAND_LINE_H_

#include <getopt.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace examples {

// A value for a message: one that may be a URL with a password is not shown.
inline std::string Quoted(const std::string& text) {
  return text.find('@') == std::string::npos
             ? absl::StrCat("\"", text, "\"")
             : "(not shown, it may hold a password)";
}

// The flags of a program, on top of getopt_long: --name value, --name=value.
// What is wrong is said in one line, and ends the program with status 2.
class CommandLine {
 public:
  CommandLine(std::string program, std::string about)
      : program_(std::move(program)), about_(std::move(about)) {}

  CommandLine& Flag(std::string name, std::string* value, std::string help) {
    return Add(std::move(name), required_argument,
               absl::StrCat(help, Default(*value)),
               [value](const std::string& text) {
                 *value = text;
                 return true;
               });
  }
  CommandLine& Flag(std::string name, std::vector<std::string>* values,
                    std::string help) {
    return Add(std::move(name), required_argument,
               absl::StrCat(help, "; can be repeated"),
               [values](const std::string& text) {
                 values->push_back(text);
                 return true;
               });
  }
  // A whole number of at least `least`.
  template <typename Integer>
  CommandLine& Flag(std::string name, Integer* value, Integer least,
                    std::string help) {
    return Add(std::move(name), required_argument,
               absl::StrCat(help, Default(absl::StrCat(*value))),
               [value, least](const std::string& text) {
                 return absl::SimpleAtoi(text, value) && *value >= least;
               });
  }
  // A positive time, as 5s or 200ms.
  CommandLine& Flag(std::string name, absl::Duration* value, std::string help) {
    return Add(std::move(name), required_argument,
               absl::StrCat(help, Default(absl::FormatDuration(*value))),
               [value](const std::string& text) {
                 return absl::ParseDuration(text, value) &&
                        *value > absl::ZeroDuration();
               });
  }
  CommandLine& Switch(std::string name, bool* value, std::string help) {
    return Add(std::move(name), no_argument, std::move(help),
               [value](const std::string&) { return *value = true; });
  }

  // The arguments that are no flags.
  std::vector<std::string> Parse(int argc, char** argv) const {
    std::vector<option> options;
    for (const Entry& entry : entries_) {
      options.push_back({entry.name.c_str(), entry.kind, nullptr, 0});
    }
    options.push_back({"help", no_argument, nullptr, 0});
    options.push_back({nullptr, 0, nullptr, 0});
    opterr = 0;
    int index = 0;
    for (int found = 0; (found = getopt_long(argc, argv, ":", options.data(),
                                             &index)) != -1;) {
      if (found == ':') Fail(absl::StrCat(argv[optind - 1], " needs a value"));
      if (found != 0) Refuse(argv[optind - 1]);
      if (static_cast<std::size_t>(index) == entries_.size()) Help();
      const Entry& entry = entries_[static_cast<std::size_t>(index)];
      const std::string text = optarg == nullptr ? "" : optarg;
      if (!entry.set(text)) {
        Fail(absl::StrCat("--", entry.name, " ", Quoted(text), ": expected ",
                          entry.help));
      }
    }
    return {argv + optind, argv + argc};
  }

  [[noreturn]] void Fail(const std::string& message) const {
    std::cerr << program_ << ": " << message << "; see --help\n";
    std::exit(2);
  }

 private:
  struct Entry {
    std::string name;
    int kind;
    std::string help;
    std::function<bool(const std::string&)> set;
  };

  CommandLine& Add(std::string name, int kind, std::string help,
                   std::function<bool(const std::string&)> set) {
    entries_.push_back(
        {std::move(name), kind, std::move(help), std::move(set)});
    return *this;
  }

  static std::string Default(const std::string& value) {
    return value.empty() ? "" : absl::StrCat(" (default ", value, ")");
  }

  // What getopt_long did not take: `argument`, or a letter of it.
  [[noreturn]] void Refuse(const std::string& argument) const {
    if (optopt != 0) {
      Fail(absl::StrCat("unknown flag -",
                        std::string(1, static_cast<char>(optopt))));
    }
    const std::string flag = argument.substr(0, argument.find('='));
    for (const Entry& entry : entries_) {
      if (flag == absl::StrCat("--", entry.name)) {
        Fail(absl::StrCat(flag, " takes no value"));
      }
    }
    Fail(absl::StrCat("unknown flag ", flag));
  }

  [[noreturn]] void Help() const {
    std::cout << about_ << "\n\n";
    for (const Entry& entry : entries_) {
      std::cout << "  --" << entry.name << "\n        " << entry.help << "\n";
    }
    std::exit(0);
  }

  std::string program_;
  std::string about_;
  std::vector<Entry> entries_;
};

}  // namespace examples

#endif  // EXAMPLES_COMMAND_LINE_H_
