"""Tests of what compiles, of what does not, and of what the compiler says then."""

load("@rules_cc//cc:find_cc_toolchain.bzl", "CC_TOOLCHAIN_ATTRS", "find_cc_toolchain", "use_cc_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

_COMPILE = "c++-compile"

# The action succeeds whatever the compiler does: to judge that is the test's business.
_RECORD = """log=$1
shift
"$@" >"$log" 2>&1
echo "exit status $?" >>"$log"
"""

_TEST = """#!/bin/sh
exec '{judge}' {verdict} {expect} '{log}' '{src}'
"""

def _command_line(ctx, toolchain, context):
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    variables = cc_common.create_compile_variables(
        cc_toolchain = toolchain,
        feature_configuration = features,
        include_directories = context.includes,
        preprocessor_defines = context.defines,
        quote_include_directories = context.quote_includes,
        system_include_directories = context.system_includes,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts,
    )
    return [
        cc_common.get_tool_for_action(
            action_name = _COMPILE,
            feature_configuration = features,
        ),
    ] + cc_common.get_memory_inefficient_command_line(
        action_name = _COMPILE,
        feature_configuration = features,
        variables = variables,
    ) + ["-fsyntax-only", ctx.file.src.path]

def _compile_test_impl(ctx):
    toolchain = find_cc_toolchain(ctx)
    context = cc_common.merge_cc_infos(
        cc_infos = [dep[CcInfo] for dep in ctx.attr.deps],
    ).compilation_context
    log = ctx.actions.declare_file(ctx.label.name + ".log")
    ctx.actions.run_shell(
        arguments = [log.path] + _command_line(ctx, toolchain, context),
        command = _RECORD,
        env = {
            "LC_ALL": "C",
            "PATH": "/usr/bin:/bin",
        },
        inputs = depset([ctx.file.src], transitive = [context.headers, toolchain.all_files]),
        mnemonic = "CompileTest",
        outputs = [log],
    )
    test = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(test, is_executable = True, content = _TEST.format(
        expect = ctx.attr.expect,
        judge = ctx.executable._judge.short_path,
        log = log.short_path,
        src = ctx.file.src.short_path,
        verdict = ctx.attr.verdict,
    ))
    return [DefaultInfo(
        executable = test,
        runfiles = ctx.runfiles([ctx.executable._judge, ctx.file.src, log]),
    )]

compile_test = rule(
    doc = "Compiles one file and judges the outcome; see judge_compile.sh for how.",
    implementation = _compile_test_impl,
    attrs = dict({
        "deps": attr.label_list(providers = [CcInfo]),
        "expect": attr.string(
            doc = "Whether the compiler has to take the file.",
            mandatory = True,
            values = ["accepted", "rejected"],
        ),
        "src": attr.label(
            allow_single_file = [".cc"],
            doc = "If it has to be rejected, it begins with lines `// message: TEXT`, all of " +
                  "which the compiler must print.",
            mandatory = True,
        ),
        "verdict": attr.string(
            default = "kept",
            doc = "\"broken\" turns the test round: it passes if the expectation is not met.",
            values = ["broken", "kept"],
        ),
        "_judge": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = "//bazel:judge_compile.sh",
            executable = True,
        ),
    }, **CC_TOOLCHAIN_ATTRS),
    fragments = ["cpp"],
    test = True,
    toolchains = use_cc_toolchain(),
)

def compile_pair(name, deps = []):
    """Two tests: NAME_accepted.cc compiles; its twin NAME_rejected.cc does not, and says why.

    Args:
      name: what both files' names begin with.
      deps: the C++ libraries that both may include.
    """
    for expect in ["accepted", "rejected"]:
        compile_test(
            name = "%s_%s_test" % (name, expect),
            size = "small",
            src = "%s_%s.cc" % (name, expect),
            expect = expect,
            tags = ["plain"],
            deps = deps,
        )
