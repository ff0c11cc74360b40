#include "tests/lint/floors.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/runfiles.h"

namespace rpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The headers of this library.
SourceTree ReadTree() {
  SourceTree tree;
  const std::filesystem::path rpc = Runfile("rpc");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rpc)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != ".h") continue;
    tree["rpc/" + path.lexically_relative(rpc).string()] = Read(path);
  }
  return tree;
}

Floors ReadFloors() {
  auto floors = Floors::Parse(Read(Runfile("rpc/FLOORS")));
  EXPECT_TRUE(floors.ok()) << floors.status();
  return floors.ok() ? *floors : Floors();
}

TEST(Floors, TheTreeKeepsThem) {
  const SourceTree tree = ReadTree();
  EXPECT_GT(tree.size(), 20u);
  EXPECT_EQ(tree.count("rpc/base/status.h"), 1u);
  EXPECT_THAT(ReadFloors().Breaches(tree), IsEmpty());
}

// The breaches that come of planting one #include into a header of the real
// tree.
std::vector<std::string> BreachesWith(const std::string& header,
                                      const std::string& include) {
  const Floors floors = ReadFloors();
  SourceTree tree;
  tree[header] = "#include " + include + "\n";
  EXPECT_EQ(ReadTree().count(header), 1u) << header;
  return floors.Breaches(tree);
}

TEST(Floors, APlantedIncludeFromAboveIsABreach) {
  EXPECT_THAT(BreachesWith("rpc/base/status.h", "\"rpc/message/wire.h\""),
              ::testing::Contains(HasSubstr(
                  "rpc/base/status.h:1: includes \"rpc/message/wire.h\"")));
}

TEST(Floors, APlantedThirdPartyIsABreach) {
  for (const char* include :
       {"<amqp.h>", "<rabbitmq-c/amqp.h>", "<openssl/ssl.h>", "<gmp.h>",
        "<nlohmann/json.hpp>", "<boost/asio.hpp>", "<unistd.h>",
        "\"wire.h\""}) {
    EXPECT_THAT(BreachesWith("rpc/message/wire.h", include),
                ElementsAre(HasSubstr("rpc/message/wire.h:1: includes " +
                                      std::string(include))));
  }
}

TEST(Floors, RabbitmqCBelongsToOneHeaderOnly) {
  EXPECT_THAT(BreachesWith("rpc/amqp/session.h", "<amqp.h>"),
              ElementsAre(HasSubstr("rpc/amqp/session.h:1")));
  EXPECT_THAT(BreachesWith("rpc/amqp/rabbitmq_c.h", "<amqp.h>"), IsEmpty());
}

TEST(Floors, AMessageRoomInTheAmqpRoomIsABreach) {
  EXPECT_THAT(BreachesWith("rpc/amqp/message.h", "\"rpc/message/wire.h\""),
              ElementsAre(HasSubstr("rpc/amqp/message.h:1")));
}

constexpr char kTable[] = R"(# A small table.
name std   <*>
name posix <*.h>
name room  "rpc/room/*.h"
rpc/room/door.h  3  std
rpc/room/*.h     5  std room
)";

std::vector<std::string> SmallBreaches(const SourceTree& tree) {
  auto floors = Floors::Parse(kTable);
  EXPECT_TRUE(floors.ok()) << floors.status();
  return floors.ok() ? floors->Breaches(tree) : std::vector<std::string>();
}

TEST(Floors, TheFirstRowThatFitsCounts) {
  EXPECT_THAT(SmallBreaches({{"rpc/room/door.h", "#include <map>\n"},
                             {"rpc/room/a.h", "#include \"rpc/room/b.h\"\n"},
                             {"rpc/room/b.h", ""}}),
              IsEmpty());
  EXPECT_THAT(SmallBreaches({{"rpc/room/a.h", ""},
                             {"rpc/room/door.h",
                              "\n  #  include  \"rpc/room/a.h\" // why\n"}}),
              ElementsAre(HasSubstr("rpc/room/door.h:2: includes "
                                    "\"rpc/room/a.h\"")));
}

TEST(Floors, AHeaderOverItsSizeIsABreach) {
  EXPECT_THAT(SmallBreaches({{"rpc/room/a.h", "\n\n\n\n\n"}}), IsEmpty());
  EXPECT_THAT(SmallBreaches({{"rpc/room/a.h", "\n\n\n\n\n\n"}}),
              ElementsAre("rpc/room/a.h: has 6 lines, and may have 5"));
  EXPECT_THAT(SmallBreaches({{"rpc/room/door.h", "\n\n\n\n"}}),
              ElementsAre("rpc/room/door.h: has 4 lines, and may have 3"));
}

TEST(Floors, ACircleIsABreach) {
  EXPECT_THAT(SmallBreaches({{"rpc/room/a.h", "#include \"rpc/room/b.h\"\n"},
                             {"rpc/room/b.h", "#include \"rpc/room/c.h\"\n"},
                             {"rpc/room/c.h", "#include \"rpc/room/b.h\"\n"}}),
              ElementsAre("circle of #includes: rpc/room/b.h -> "
                          "rpc/room/c.h -> rpc/room/b.h"));
  EXPECT_THAT(SmallBreaches({{"rpc/room/a.h", "#include \"rpc/room/a.h\"\n"}}),
              ElementsAre("circle of #includes: rpc/room/a.h -> "
                          "rpc/room/a.h"));
}

TEST(Floors, AHeaderWithoutARowIsABreach) {
  EXPECT_THAT(SmallBreaches({{"rpc/attic/a.h", ""}}),
              ElementsAre("rpc/attic/a.h: FLOORS has no row for it"));
}

TEST(Floors, ATableThatMeansNothingIsRefused) {
  EXPECT_FALSE(Floors::Parse("").ok());
  EXPECT_FALSE(Floors::Parse("name std\n").ok());
  EXPECT_FALSE(Floors::Parse("rpc/a.h 400 unknown\n").ok());
  EXPECT_FALSE(Floors::Parse("name std <*>\nrpc/a.h many std\n").ok());
}

}  // namespace
}  // namespace rpc::testing
