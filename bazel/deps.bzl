"""The third parties of this library, for a WORKSPACE. With MODULE.bazel none of this is needed."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load(":debian.bzl", "debian_stand_ins", "is_debian_bazel")
load(":system_library.bzl", "system_library")

# Those parts of Abseil that this repository or its users may name where Abseil is the system's.
_ABSL_TARGETS = {
    "algorithm": ["algorithm", "container"],
    "base": ["base", "config", "core_headers", "dynamic_annotations", "log_severity"],
    "cleanup": ["cleanup"],
    "container": ["btree", "fixed_array", "flat_hash_map", "flat_hash_set", "inlined_vector", "node_hash_map", "node_hash_set"],
    "debugging": ["failure_signal_handler", "leak_check", "stacktrace", "symbolize"],
    "flags": ["config", "flag", "marshalling", "parse", "reflection", "usage"],
    "functional": ["any_invocable", "bind_front", "function_ref"],
    "hash": ["hash"],
    "memory": ["memory"],
    "meta": ["type_traits"],
    "numeric": ["bits", "int128"],
    "random": ["bit_gen_ref", "distributions", "random", "seed_sequences"],
    "status": ["status", "statusor"],
    "strings": ["cord", "str_format", "strings"],
    "synchronization": ["synchronization"],
    "time": ["time"],
    "types": ["any", "compare", "optional", "span", "variant"],
    "utility": ["utility"],
}

def _maybe(rule, name, **kwargs):
    if not native.existing_rule(name):
        rule(name = name, **kwargs)

def _always_from_the_system():
    # The system's security updates are better than a pinned copy's.
    _maybe(
        system_library,
        name = "openssl",
        apt = "libssl-dev",
        headers = ["openssl/ssl.h"],
        targets = {
            ":crypto": ["crypto"],
            ":ssl": ["ssl", "crypto"],
        },
    )

    # Fetched only where it is named: by //rpc/serializer:gmp_integer.
    _maybe(
        system_library,
        name = "gmp",
        apt = "libgmp-dev",
        headers = ["gmpxx.h"],
        targets = {":gmp": ["gmpxx", "gmp"]},
    )

def _from_the_system():
    _maybe(
        system_library,
        name = "rabbitmq_c",
        apt = "librabbitmq-dev",
        headers = ["amqp.h", "amqp_tcp_socket.h"],
        targets = {":rabbitmq": ["rabbitmq"]},
    )
    _maybe(
        system_library,
        name = "com_google_absl",
        apt = "libabsl-dev",
        headers = ["absl/base/options.h", "absl/status/statusor.h"],
        targets = {
            "absl/%s:%s" % (package, target): ["absl_*"]
            for package, targets in _ABSL_TARGETS.items()
            for target in targets
        },
    )
    _maybe(
        system_library,
        name = "nlohmann_json",
        apt = "nlohmann-json3-dev",
        headers = ["nlohmann/json.hpp"],
        targets = {":json": []},
    )

def _from_pinned_sources():
    _maybe(
        http_archive,
        name = "rules_cc",
        sha256 = "abc605dd850f813bb37004b77db20106a19311a96b2da1c92b789da529d28fe1",
        strip_prefix = "rules_cc-0.0.17",
        urls = ["https://github.com/bazelbuild/rules_cc/releases/download/0.0.17/rules_cc-0.0.17.tar.gz"],
    )
    _maybe(
        http_archive,
        name = "rabbitmq_c",
        build_file = Label("//bazel:rabbitmq_c.BUILD"),
        sha256 = "7b652df52c0de4d19ca36c798ed81378cba7a03a0f0c5d498881ae2d79b241c2",
        strip_prefix = "rabbitmq-c-0.15.0",
        urls = ["https://github.com/alanxz/rabbitmq-c/archive/v0.15.0.tar.gz"],
    )
    _maybe(
        http_archive,
        name = "com_google_absl",
        sha256 = "f50e5ac311a81382da7fa75b97310e4b9006474f9560ac46f54a9967f07d4ae3",
        strip_prefix = "abseil-cpp-20240722.0",
        urls = ["https://github.com/abseil/abseil-cpp/releases/download/20240722.0/abseil-cpp-20240722.0.tar.gz"],
    )
    _maybe(
        http_archive,
        name = "nlohmann_json",
        build_file = Label("//bazel:nlohmann_json.BUILD"),
        sha256 = "a22461d13119ac5c78f205d3df1db13403e58ce1bb1794edc9313677313f4a9d",
        urls = ["https://github.com/nlohmann/json/releases/download/v3.11.3/include.zip"],
    )

    # Abseil's own build files load these two.
    _maybe(
        http_archive,
        name = "bazel_skylib",
        sha256 = "118e313990135890ee4cc8504e32929844f9578804a1b2f571d69b1dd080cfb8",
        strip_prefix = "bazel-skylib-1.5.0",
        urls = ["https://github.com/bazelbuild/bazel-skylib/archive/refs/tags/1.5.0.tar.gz"],
    )
    _maybe(
        http_archive,
        name = "platforms",
        sha256 = "3df33228654e56b09f17613613767b052581b822d57cb9cfd5e7b19a8e617b42",
        strip_prefix = "platforms-0.0.10",
        urls = ["https://github.com/bazelbuild/platforms/archive/refs/tags/0.0.10.tar.gz"],
    )

def rpc_dependencies(system = None):
    """Declares what the library needs, leaving alone what the caller has declared.

    Args:
      system: True to link the libraries installed on this machine, False to build pinned sources.
        If unset: True with Debian's own Bazel, False with an official release.
    """
    if is_debian_bazel():
        debian_stand_ins()
    _always_from_the_system()
    if is_debian_bazel() if system == None else system:
        _from_the_system()
    else:
        _from_pinned_sources()

def _dev_from_the_system():
    _maybe(
        system_library,
        name = "com_google_googletest",
        apt = "libgtest-dev libgmock-dev",
        headers = ["gtest/gtest.h", "gmock/gmock.h"],
        targets = {
            ":gtest": ["gmock", "gtest"],
            ":gtest_main": ["gmock_main", "gmock", "gtest"],
        },
    )
    _maybe(
        system_library,
        name = "com_github_google_benchmark",
        apt = "libbenchmark-dev",
        headers = ["benchmark/benchmark.h"],
        targets = {
            ":benchmark": ["benchmark"],
            ":benchmark_main": ["benchmark_main", "benchmark"],
        },
    )

def _dev_from_pinned_sources():
    _maybe(
        http_archive,
        name = "com_google_googletest",
        sha256 = "8ad598c73ad796e0d8280b082cebd82a630d73e73cd3c70057938a6501bba5d7",
        strip_prefix = "googletest-1.14.0",
        urls = ["https://github.com/google/googletest/archive/refs/tags/v1.14.0.tar.gz"],
    )

    # The last that loads in a WORKSPACE of Bazel 4.
    _maybe(
        http_archive,
        name = "com_github_google_benchmark",
        sha256 = "6bc180a57d23d4d9515519f92b0c83d61b05b5bab188961f36ac7b06b0d9e9ce",
        strip_prefix = "benchmark-1.8.3",
        urls = ["https://github.com/google/benchmark/archive/refs/tags/v1.8.3.tar.gz"],
    )
    _maybe(
        http_archive,
        name = "rules_shell",
        sha256 = "d8cd4a3a91fc1dc68d4c7d6b655f09def109f7186437e3f50a9b60ab436a0c53",
        strip_prefix = "rules_shell-0.3.0",
        urls = ["https://github.com/bazelbuild/rules_shell/releases/download/v0.3.0/rules_shell-v0.3.0.tar.gz"],
    )

def rpc_dev_dependencies(system = None):
    """Declares what only this repository's own tests and benchmarks need.

    Args:
      system: as in rpc_dependencies().
    """
    if is_debian_bazel() if system == None else system:
        _dev_from_the_system()
    else:
        _dev_from_pinned_sources()
