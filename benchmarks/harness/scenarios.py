"""The table of scenarios: what is measured, who takes part, what to reach."""

import dataclasses

from harness import sizes
from harness.call_scenario import CallScenario
from harness.comparison import Target
from harness.contender import Contender
from harness.instructions import InstructionScenario
from harness.program_scenario import ProgramScenario
from harness.syscalls import SyscallScenario

API = Contender("api", ("rabbitmq/api_client",), ("rabbitmq/api_server",))
ONE_BUFFER = Contender("one_buffer", ("rabbitmq/one_buffer_client",),
                       ("rabbitmq/one_buffer_server",))
# Like the others, without a thread besides that of its connection; rpc_thread
# runs its callbacks on another, which is the library's default.
RPC = Contender("rpc", ("rabbitmq/rpc_client", "--callback_threads=0"),
                ("rabbitmq/rpc_server",))
RPC_THREAD = Contender("rpc_thread", ("rabbitmq/rpc_client",),
                       ("rabbitmq/rpc_server",))
RPC_BLOCKING = Contender("rpc", ("rabbitmq/rpc_client", "--threads=1"),
                         ("rabbitmq/rpc_server",))
RPC_ASYNCHRONOUS = dataclasses.replace(RPC_THREAD, name="rpc_async")
GO = Contender("go", ("peers/go_client",), ("peers/go_server",), share=0.4)
PIKA = Contender("pika", ("peers/pika_client",), ("peers/pika_server",),
                 share=0.1)
JAVA = Contender("java", ("peers/java_client", "--threads=64"),
                 ("peers/java_server",), share=0.15)


def _callers(name, client, threads):
    """Blocking callers; the server is the same for all of them."""
    return Contender(name, (f"rabbitmq/{client}", f"--threads={threads}"),
                     ("rabbitmq/one_buffer_server",))


def _with(base, name, client=(), server=(), tls=False):
    """`base` with further flags for its client and its server."""
    return dataclasses.replace(
        base, name=name, client=base.client + client,
        server=base.server + server, tls=tls)


# How the hand-written contenders compare on a quiet machine, with a tenth of
# room on both sides. Outside of it something is wrong with the machine or with
# a contender, and no other ratio of the run should be believed.
def _contender_ratio(metric, low, high):
    return Target(metric, "one_buffer", "api", at_least=0.9 * low,
                  at_most=1.1 * high)


def _load(in_flight, targets, calls, wire="full", rpc=(RPC,), quick=False):
    described = ("deadline and mandatory on" if wire == "full" else
                 "bare: no deadline, by hand not mandatory")
    return CallScenario(
        name=f"w{in_flight}{'' if wire == 'full' else '_bare'}",
        title=f"{in_flight} in flight on one connection, {described}",
        contenders=(API, ONE_BUFFER, *rpc), in_flight=in_flight, wire=wire,
        targets=targets, calls=calls, quick=quick)


def _bare(in_flight, calls, ratio, rpc=(RPC,)):
    return _load(in_flight, (ratio, *_REPORTED), calls, "bare", rpc)


_UNDER_LOAD = (
    Target("calls_per_s", "rpc", "api", at_least=1.4),
    Target("calls_per_s", "rpc", "one_buffer", at_least=0.95),
    Target("all_cpu_us", "rpc", "one_buffer"),
)
_CPU_UNDER_LOAD = (
    Target("client_cpu_us", "rpc", "api", at_most=0.6),
    Target("client_cpu_us", "rpc", "one_buffer", at_most=1.4),
    Target("allocations", "rpc", at_most=4),
)
_THREAD = Target("calls_per_s", "rpc_thread", "one_buffer")
_REPORTED = (
    Target("calls_per_s", "one_buffer", "api"),
    Target("calls_per_s", "rpc", "api"),
    Target("calls_per_s", "rpc", "one_buffer"),
)

_OVER_RABBITMQ = (
    _load(1, (
        Target("p50_us", "one_buffer", "api"),
        Target("p50_us", "rpc", "api", at_most=1.05),
        Target("p50_us", "rpc_async", "api")), 6000,
        rpc=(RPC_BLOCKING, RPC_ASYNCHRONOUS), quick=True),
    _load(8, _REPORTED, 20000),
    _load(64, (_REPORTED[0], *_UNDER_LOAD, _THREAD), 60000,
          rpc=(RPC, RPC_THREAD), quick=True),
    _load(256, (_REPORTED[0], *_UNDER_LOAD, *_CPU_UNDER_LOAD, _THREAD), 60000,
          rpc=(RPC, RPC_THREAD), quick=True),
    _load(1024, _REPORTED, 60000),
    _bare(1, 6000, _contender_ratio("p50_us", 0.94, 1.0), (RPC_BLOCKING,)),
    _bare(64, 60000, _contender_ratio("calls_per_s", 1.3, 1.45)),
    _bare(256, 60000, _contender_ratio("calls_per_s", 1.4, 1.6)),
    CallScenario(
        name="k64", title="64 blocking callers on one connection",
        contenders=(_callers("io_thread", "blocking_client", 64),
                    _callers("rpc", "rpc_client", 64)),
        in_flight=64, wire="full", calls=40000, quick=True, targets=(
            Target("calls_per_s", "rpc", "io_thread", at_least=0.95),
            Target("client_cpu_us", "rpc", "io_thread"))),
)


def _cost(name, title, *pairs):
    """A guarantee's price: each (with, without) of it side by side.

    Programs in which a guarantee cannot be left out lend theirs to one that
    can; see --wire.
    """
    return CallScenario(
        name=f"cost_{name}", title=f"256 in flight: {title}", in_flight=256,
        calls=30000, contenders=tuple(dict.fromkeys(
            each for priced, free in pairs for each in (free, priced))),
        targets=tuple(Target(metric, priced.name, free.name)
                      for metric in ("calls_per_s", "p50_us", "all_cpu_us")
                      for priced, free in pairs))


_COSTS = (
    _cost("deadline", "a deadline for each call",
          (RPC, _with(RPC, "no_deadline", ("--wire=bare",)))),
    _cost("mandatory", "being told that nobody serves; written by hand",
          (ONE_BUFFER, _with(ONE_BUFFER, "no_mandatory",
                             ("--wire=no_mandatory",)))),
    _cost("confirms", "publisher confirms, asynchronous; written by hand",
          (_with(ONE_BUFFER, "confirmed_requests", ("--confirms",)),
           ONE_BUFFER),
          (_with(ONE_BUFFER, "confirmed_both", ("--confirms",),
                 ("--confirms",)), ONE_BUFFER)),
    _cost("persistence", "persistent messages",
          (_with(RPC, "persistent", ("--topology=persistent",),
                 ("--topology=persistent",)), RPC)),
    _cost("quorum", "a quorum queue, of one node",
          (_with(RPC, "quorum", ("--topology=quorum",),
                 ("--topology=quorum",)), RPC)),
    _cost("tls", "TLS, certificate and name verified",
          (_with(API, "api_tls", tls=True), API),
          (_with(RPC, "rpc_tls", tls=True), RPC)),
    _cost("workers", "handlers on 2 threads of their own",
          (_with(RPC, "workers", server=("--workers=2",)), RPC)),
)

_SYSCALLS = (
    SyscallScenario(
        name="syscalls", title="256 in flight: system calls per call",
        contenders=(ONE_BUFFER, RPC), in_flight=256, calls=20000, targets=(
            Target("client_syscalls", "rpc", at_most=0.5),
            Target("server_syscalls", "rpc", at_most=0.5),
            Target("client_syscalls", "rpc", "one_buffer"),
            Target("server_syscalls", "rpc", "one_buffer"))),
)

_WITH_PEERS = (
    CallScenario(
        name="peers_w1", title="1 in flight, beside clients of other makers",
        contenders=(RPC_BLOCKING, GO, PIKA), in_flight=1, wire="full",
        calls=6000, peers=True, targets=(
            Target("p50_us", "rpc", "go"), Target("p50_us", "rpc", "pika"))),
    CallScenario(
        name="peers_w64", title="64 in flight, beside clients of other makers",
        contenders=(ONE_BUFFER, RPC, GO, PIKA, JAVA), in_flight=64, wire="full",
        calls=40000, peers=True, targets=(
            Target("calls_per_s", "rpc", "java", at_least=8),
            Target("calls_per_s", "one_buffer", "java"))),
    CallScenario(
        name="peers_w256",
        title="256 in flight, beside clients of other makers",
        contenders=(ONE_BUFFER, RPC, GO, PIKA), in_flight=256, wire="full",
        calls=40000, peers=True, targets=(
            Target("calls_per_s", "rpc", "go", at_least=3),
            Target("calls_per_s", "rpc", "pika", at_least=10),
            # What is left to the fastest client there can be.
            Target("calls_per_s", "one_buffer", "go"),
            Target("calls_per_s", "one_buffer", "pika"))),
)


def _micro(name, title, targets, **names):
    """`names` maps a contender to "program:benchmark"."""
    return ProgramScenario(
        name=name, title=title, targets=targets,
        programs={contender: tuple(benchmark.split(":"))
                  for contender, benchmark in names.items()})


_IN_PROCESS = (
    _micro("encode", "a 19-digit integer to decimal text",
           (Target("nanoseconds", "rpc", "bare"),),
           rpc="micro/serializer_benchmark:encode/rpc",
           bare="micro/serializer_benchmark:encode/bare"),
    _micro("decode", "a 19-digit integer from decimal text",
           (Target("nanoseconds", "rpc", "bare"),),
           rpc="micro/serializer_benchmark:decode/rpc",
           bare="micro/serializer_benchmark:decode/bare"),
    _micro("direct", "fibonacci(90) over DirectTransport, or by hand",
           (Target("nanoseconds", "rpc", "bare", at_most=1.1),
            Target("allocations", "rpc", at_most=0)),
           rpc="micro/direct_benchmark:direct/rpc",
           bare="micro/direct_benchmark:direct/bare"),
    InstructionScenario(
        name="direct_instructions",
        title="fibonacci(80 to 89) over DirectTransport, or by hand",
        program="micro/counted_direct_calls",
        flags={"rpc": (), "bare": ("--by_hand",)},
        targets=(Target("instructions", "rpc", "bare"),)),
    _micro("memory_k1", "a call over MemoryTransport, or two futex hand-offs",
           (Target("nanoseconds", "rpc", "futex", at_most=1.5),),
           rpc="micro/memory_benchmark:memory_k1/rpc",
           futex="micro/memory_benchmark:memory_k1/futex"),
    _micro("memory_w256", "256 calls in flight over MemoryTransport",
           (Target("calls_per_s", "inline", at_least=1e6),
            Target("calls_per_s", "worker")),
           inline="micro/memory_benchmark:memory_w256/inline",
           worker="micro/memory_benchmark:memory_w256/worker"),
    ProgramScenario(
        name="pending", title="a call while that many others are pending",
        programs={str(count): ("micro/pending_benchmark", f"pending/{count}")
                  for count in (100, 1000, 10000, 100000)},
        targets=(Target("nanoseconds", "100000", "100", at_most=1.5),
                 Target("bytes", "100000", at_most=300))),
    _micro("memoized", "a remembered result, or lock and flat_hash_map find",
           (Target("nanoseconds", "rpc", "bare", at_most=2),),
           rpc="micro/handler_benchmark:memoized/rpc",
           bare="micro/handler_benchmark:memoized/bare"),
    _micro("big", "fibonacci(100,000), exact",
           (Target("nanoseconds", "rpc", "gmp", at_most=10),
            Target("nanoseconds", "rpc", "python", at_most=1)),
           rpc="micro/handler_benchmark:big/rpc",
           gmp="micro/handler_benchmark:big/gmp",
           python="micro/fibonacci.py:big/python"),
)

_WEIGHT = (
    sizes.CompileScenario(
        name="compile", title="including the library, compiler's time",
        headers={
            "abseil": ("absl of rpc/rpc.h",),
            "rpc": ("rpc/rpc.h",),
            "rabbitmq_abseil": (
                "absl of rpc/rpc.h",
                "absl of rpc/transport/rabbitmq_transport.h"),
            "rabbitmq": ("rpc/rpc.h", "rpc/transport/rabbitmq_transport.h"),
        }, targets=(
            Target("seconds", "rpc", "abseil", at_most=1.5),
            Target("seconds", "rabbitmq", "rabbitmq_abseil", at_most=2))),
    sizes.SizeScenario(
        name="size", title="the client as a program, stripped",
        programs={"api": "rabbitmq/api_client", "rpc": "rabbitmq/rpc_client"},
        targets=(Target("bytes", "rpc", "api"),)),
)

SCENARIOS = (_OVER_RABBITMQ + _COSTS + _SYSCALLS + _WITH_PEERS + _IN_PROCESS
             + _WEIGHT)
