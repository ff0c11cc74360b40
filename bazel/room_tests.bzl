"""The tests of one room, and what the tests of other rooms may use of them."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:cc_test.bzl", "cc_test")

def room_tests(name, deps, tags = [], tags_of = {}, data = [], size = "medium", timeout_of = {}):
    """Declares a test for each *_test.cc of the package, and a library of its headers.

    Args:
      name: of the library of headers, which other packages may depend on.
      deps: what the tests and the headers may include. GoogleTest is among it by itself.
      tags: of every test. tests/run selects by them: "core" is compiled with g++ instead of clang;
        beside it, "asan" and "tsan" are run only under clang's AddressSanitizer and ThreadSanitizer.
        "quiet" is run when nothing else is, "slow" only with --full, "soak" also by --soak, for as
        long as that says; cases of "broker" and "pika" are also counted apart. "plain" is never run
        under a sanitizer, which can find nothing there.
      tags_of: more tags of single tests, by name.
      data: files that the tests read when they run.
      size: of every test, as in cc_test.
      timeout_of: of single tests, by name, where it is not the size's.
    """
    native.filegroup(
        name = "sources",
        srcs = native.glob(
            [
                "*.cc",
                "*.h",
            ],
            allow_empty = True,
        ),
        visibility = ["//tests:__subpackages__"],
    )
    cc_library(
        name = name,
        testonly = True,
        hdrs = native.glob(["*.h"], allow_empty = True),
        visibility = ["//visibility:public"],
        deps = deps + ["@com_google_googletest//:gtest"],
    )
    for source in native.glob(["*_test.cc"], allow_empty = True):
        test = source[:-len(".cc")]
        cc_test(
            name = test,
            size = size,
            timeout = timeout_of.get(test),
            srcs = [source],
            data = data,
            tags = tags + tags_of.get(test, []),
            deps = deps + [
                ":" + name,
                "@com_google_googletest//:gtest_main",
            ],
        )
