"""Repositories that stand for libraries which the system's package manager installed.

Their headers are in /usr/include, where the compiler looks by itself: naming that directory once
more breaks the `#include_next` of the C++ standard library. So a target here is nothing but the
linker flags of its library.
"""

_HEADER_DIRECTORIES = ["/usr/include", "/usr/local/include"]

_LIBRARY_DIRECTORIES = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
]

_NOT_INSTALLED = """

@{name}: the header <{header}> is not installed. To install it:

    apt-get install {apt}
"""

_PACKAGE = """load("@rules_cc//cc:cc_library.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

_LIBRARY = """
cc_library(
    name = "{name}",
    linkopts = [
        {flags},
    ],
)
"""

_ALIAS = """
alias(
    name = "{name}",
    actual = "//:{actual}",
)
"""

def _libraries_with_prefix(ctx, prefix):
    """The sorted names, as for -l, of the installed shared libraries that start with prefix."""
    names = {}
    for directory in _LIBRARY_DIRECTORIES:
        path = ctx.path(directory)
        if not path.exists:
            continue
        for entry in path.readdir():
            if entry.basename.startswith("lib" + prefix) and entry.basename.endswith(".so"):
                names[entry.basename[len("lib"):-len(".so")]] = True
    return sorted(names.keys())

def _linker_flags(ctx, libraries):
    names = []
    for library in libraries:
        if library.endswith("*"):
            names += _libraries_with_prefix(ctx, library[:-1])
        else:
            names.append(library)

    # Names that nothing uses stay out of the program, without that being so for what others link.
    flags = ["-Wl,--push-state,--as-needed"] + ["-l" + name for name in names]
    flags += ["-Wl,--pop-state", "-pthread"]
    return ",\n        ".join(["\"%s\"" % flag for flag in flags])

def _check_headers(ctx):
    for header in ctx.attr.headers:
        if not [d for d in _HEADER_DIRECTORIES if ctx.path(d + "/" + header).exists]:
            fail(_NOT_INSTALLED.format(name = ctx.name, header = header, apt = ctx.attr.apt))

def _system_library_impl(ctx):
    _check_headers(ctx)
    packages = {"": _PACKAGE}
    carriers = {}
    for label, libraries in ctx.attr.targets.items():
        package, _, name = label.rpartition(":")

        # One target carries the flags and all others are its aliases, or a program that depends on
        # ten parts of Abseil would name its 64 libraries ten times.
        key = " ".join(libraries)
        if key not in carriers:
            carriers[key] = "libraries_%d" % len(carriers)
            packages[""] += _LIBRARY.format(
                name = carriers[key],
                flags = _linker_flags(ctx, libraries),
            )
        packages[package] = packages.get(package, "") + _ALIAS.format(
            name = name,
            actual = carriers[key],
        )
    for package, rules in packages.items():
        if package and not rules.startswith("load"):
            rules = "package(default_visibility = [\"//visibility:public\"])\n" + rules
        ctx.file((package + "/" if package else "") + "BUILD.bazel", rules)
    ctx.file("WORKSPACE", "")

system_library = repository_rule(
    doc = "Declares targets that link what is installed on this machine.",
    implementation = _system_library_impl,
    attrs = {
        "apt": attr.string(
            doc = "The Debian packages which the error message names.",
            mandatory = True,
        ),
        "headers": attr.string_list(
            doc = "Headers, relative to /usr/include; if one is absent, the library is not installed.",
            mandatory = True,
        ),
        "targets": attr.string_list_dict(
            doc = "Labels, as the library's own Bazel build would have them, and what each links. " +
                  "A trailing * stands for all installed libraries whose name begins so; the " +
                  "linker drops those that are not needed.",
            mandatory = True,
        ),
    },
    local = True,
)
