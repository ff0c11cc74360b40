"""A test that each header of a library compiles alone, and when it is included twice."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

_TRANSLATION_UNIT = """#include "{header}"
#include "{header}"
#include "tests/lint/compiled_headers.h"

[[maybe_unused]] static const bool kCompiled =
    rpc::testing::AddCompiledHeader("{header}");
"""

def _translation_units_impl(ctx):
    units = []
    for header in ctx.attr.library[CcInfo].compilation_context.direct_headers:
        unit = ctx.actions.declare_file("%s/%s.cc" % (ctx.label.name, header.basename))
        ctx.actions.write(unit, _TRANSLATION_UNIT.format(header = header.short_path))
        units.append(unit)
    return [DefaultInfo(files = depset(units))]

_translation_units = rule(
    doc = "Writes a source file for each header of a library.",
    implementation = _translation_units_impl,
    attrs = {"library": attr.label(mandatory = True, providers = [CcInfo])},
)

def self_contained_headers_test(name, library):
    """Compiles each header of a library with no other dependencies than the library's own.

    Args:
      name: name of the test, which has one case for each header.
      library: a cc_library.
    """
    _translation_units(
        name = name + "_sources",
        testonly = True,
        library = library,
    )
    cc_test(
        name = name,
        size = "small",
        srcs = [":%s_sources" % name],
        tags = ["plain"],
        deps = [
            library,
            "//tests/lint:compiled_headers",
        ],
    )
