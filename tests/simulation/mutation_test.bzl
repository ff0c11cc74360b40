"""Tests of the simulation itself: that it finds a bug that was planted."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")

# Takes HEADER out of all headers, and fails if the change changes nothing.
_MUTATE = """
for file in $(SRCS); do
  case $$file in
    */{header} | {header}) original=$$file ;;
  esac
done
sed -e '{change}' "$$original" >$@
if cmp -s "$$original" $@; then
  echo "{header} has no line for {change}" >&2
  exit 1
fi
"""

def mutation_test(name, header, change, setting = "RabbitMqSetting", tags = []):
    """Passes if a seed turns red with a changed copy of one header.

    The copy is included before all else, and its include guard keeps the original out.

    Args:
      name: of the test.
      header: of the library, as it is included.
      change: a script for sed that plants the bug.
      setting: what the clients and servers of the runs meet at.
      tags: of the test, beside "plain".
    """
    native.genrule(
        name = name + "_header",
        testonly = True,
        srcs = ["//rpc:headers"],
        outs = [name + ".h"],
        cmd = _MUTATE.format(
            header = header,
            change = change,
        ),
    )
    cc_test(
        name = name,
        size = "medium",
        srcs = [
            "mutation_test.cc",
            name + ".h",
        ],
        copts = [
            "-include",
            "$(location %s.h)" % name,
        ],
        local_defines = ["SETTING=" + setting],
        tags = ["plain"] + tags,
        deps = [
            ":simulation",
            "@com_google_googletest//:gtest_main",
        ],
    )
