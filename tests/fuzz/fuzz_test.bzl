"""Tests that fuzz, and that replay what fuzzing found where there is no fuzzer."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")

def fuzz_test(name, deps):
    """A test of NAME_fuzz.cc, which defines LLVMFuzzerTestOneInput.

    With --config=fuzz it fuzzes for ten seconds, beginning with the files of corpus/NAME; flags of
    libFuzzer's follow with --test_arg, as in --test_arg=-max_total_time=600. What breaks the target
    is among the test's undeclared outputs; put it into corpus/NAME, where it stays a test. Without
    that configuration, the test runs those files once, and once more cut and damaged.

    Args:
      name: of the fuzzer; the test is called NAME_fuzz_test.
      deps: what the fuzzer includes. tests/fuzz's own headers are among it by themselves.
    """
    cc_test(
        name = name + "_fuzz_test",
        srcs = [name + "_fuzz.cc"],
        args = ["%s/corpus/%s" % (native.package_name(), name)],
        data = native.glob(["corpus/%s/*" % name]),
        linkopts = select({
            ":with_libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = ["fuzz"],
        deps = deps + [":support"] + select({
            ":with_libfuzzer": [":libfuzzer_corpus"],
            "//conditions:default": [":replay_main"],
        }),
    )
