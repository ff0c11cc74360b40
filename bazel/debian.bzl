"""Makes the Bazel of Debian's and Ubuntu's `bazel-bootstrap` package enough by itself.

That package is Bazel 4.2.3, built from source. It reports an empty version, and lacks the
repositories which an official Bazel downloads when it first needs them. Here they are, reduced to
what C++ builds and tests load. With an official Bazel nothing is declared.
"""

def is_debian_bazel():
    """True if the running Bazel is a distribution's build, which has no release version."""
    version = getattr(native, "bazel_version", "")
    return not version or not version[0].isdigit()

_PUBLIC = "package(default_visibility = [\"//visibility:public\"])\n"

def _natives(names):
    return "".join(["{0} = native.{0}\n".format(name) for name in names])

_CC_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
]

_JAVA_RULES = [
    "java_binary",
    "java_import",
    "java_library",
    "java_runtime",
    "java_toolchain",
]

_SHELL_RULES = [
    "sh_binary",
    "sh_library",
    "sh_test",
]

_FIND_CC_TOOLCHAIN = """load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

find_cc_toolchain = find_cpp_toolchain

CC_TOOLCHAIN_ATTRS = {
    "_cc_toolchain": attr.label(default = Label("@bazel_tools//tools/cpp:current_cc_toolchain")),
}

def use_cc_toolchain():
    return ["@bazel_tools//tools/cpp:toolchain_type"]
"""

_RULES_CC = dict(
    {
        "cc/BUILD.bazel": _PUBLIC,
        "cc/common/BUILD.bazel": _PUBLIC,
        # A file cannot bind a built-in to the built-in's own name, so a second file renames.
        "cc/common/builtins.bzl": "common = cc_common\ninfo = CcInfo\n",
        "cc/common/cc_common.bzl": "load(\":builtins.bzl\", \"common\")\n\ncc_common = common\n",
        "cc/common/cc_info.bzl": "load(\":builtins.bzl\", \"info\")\n\nCcInfo = info\n",
        "cc/defs.bzl": _natives(_CC_RULES),
        "cc/find_cc_toolchain.bzl": _FIND_CC_TOOLCHAIN,
    },
    **{"cc/%s.bzl" % rule: _natives([rule]) for rule in _CC_RULES}
)

_RULES_JAVA = {
    "java/BUILD.bazel": _PUBLIC,
    "java/defs.bzl": _natives(_JAVA_RULES),
}

_RULES_SHELL = dict(
    {"shell/BUILD.bazel": _PUBLIC},
    **{"shell/%s.bzl" % rule: _natives([rule]) for rule in _SHELL_RULES}
)

_NO_COVERAGE = """#!/bin/sh
echo "coverage needs an official Bazel: this distribution's build has no coverage tools" >&2
exit 1
"""

# Every test names these two, whether coverage is collected or not.
_COVERAGE_TOOLS = {
    "BUILD.bazel": _PUBLIC + "".join([
        "\nsh_binary(\n    name = \"%s\",\n    srcs = [\"no_coverage.sh\"],\n)\n" % name
        for name in ["coverage_report_generator", "lcov_merger"]
    ]),
    "no_coverage.sh": _NO_COVERAGE,
}

_STAND_INS = {
    "remote_coverage_tools": _COVERAGE_TOOLS,
    "rules_cc": _RULES_CC,
    "rules_java": _RULES_JAVA,
    "rules_shell": _RULES_SHELL,
}

def _stand_in_impl(ctx):
    files = _STAND_INS[ctx.name]
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    if "BUILD.bazel" not in files:
        ctx.file("BUILD.bazel", _PUBLIC)
    for path, content in files.items():
        ctx.file(path, content, executable = path.endswith(".sh"))

_stand_in = repository_rule(implementation = _stand_in_impl)

def debian_stand_ins():
    """Declares the repositories that Debian's Bazel lacks, unless the caller has them already."""
    for name in _STAND_INS:
        if not native.existing_rule(name):
            _stand_in(name = name)
