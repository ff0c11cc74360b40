"""The table of scenarios: what is measured, who takes part, what to reach."""

import dataclasses

from harness import contender as contenders
from harness import programs
from harness import sizes
from harness.comparison import Target

API = contenders.Contender(
    "api", ("rabbitmq/api_client",), ("rabbitmq/api_server",))
ONE_BUFFER = contenders.Contender(
    "one_buffer", ("rabbitmq/one_buffer_client",),
    ("rabbitmq/one_buffer_server",))
RPC = contenders.Contender(
    "rpc", ("rabbitmq/rpc_client",), ("rabbitmq/rpc_server",))
RPC_BLOCKING = contenders.Contender(
    "rpc", ("rabbitmq/rpc_client", "--threads=1"), ("rabbitmq/rpc_server",))
RPC_ASYNCHRONOUS = contenders.Contender(
    "rpc_async", ("rabbitmq/rpc_client",), ("rabbitmq/rpc_server",))

def _priced(name, base, *flags):
    """A contender whose client and server take other flags."""
    return contenders.Contender(
        name, base.client + flags, base.server + flags)


GO = contenders.Contender(
    "go", ("peers/go_client",), ("peers/go_server",), share=0.4)
PIKA = contenders.Contender(
    "pika", ("peers/pika_client",), ("peers/pika_server",), share=0.1)
JAVA = contenders.Contender(
    "java", ("peers/java_client", "--threads=64"), ("peers/java_server",),
    share=0.15)


def _callers(name, client, threads):
    """Blocking callers; the server is the same for all of them."""
    return contenders.Contender(
        name, (f"rabbitmq/{client}", f"--threads={threads}"),
        ("rabbitmq/one_buffer_server",))


@dataclasses.dataclass(frozen=True)
class CallScenario:
    """Calls over RabbitMQ, client and server in processes of their own."""
    name: str
    title: str
    contenders: tuple
    in_flight: int
    wire: str
    targets: tuple
    calls: int
    quick: bool = False
    peers: bool = False

    def contender_names(self):
        return [contender.name for contender in self.contenders]

    def missing(self, name, context):
        """Why the contender cannot take part here, or None."""
        return self._contender(name).missing(context)

    def measure(self, name, context):
        contender = self._contender(name)
        calls = context.calls or int(contender.share * (
            self.calls // 4 if context.quick else self.calls))
        load = contenders.Load(
            in_flight=self.in_flight,
            warmup=max(calls // 10, 4 * self.in_flight), calls=calls,
            wire=self.wire)
        return contenders.measure(contender, load, context,
                                  timeout=30 + calls / 200)

    def needs_broker(self):
        return True

    def _contender(self, name):
        return next(contender for contender in self.contenders
                    if contender.name == name)


@dataclasses.dataclass(frozen=True)
class ProgramScenario:
    """Benchmarks of one process, which report as google-benchmark does.

    `programs` maps a contender to its program and the benchmark's name in it.
    """
    name: str
    title: str
    programs: dict
    targets: tuple
    quick: bool = True
    peers: bool = False

    def contender_names(self):
        return list(self.programs)

    def missing(self, name, context):
        return programs.missing(self.programs[name][0], context)

    def measure(self, name, context):
        return programs.measure(*self.programs[name], context)

    def needs_broker(self):
        return False


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
    _load(64, (_REPORTED[0], *_UNDER_LOAD), 60000, quick=True),
    _load(256, (_REPORTED[0], *_UNDER_LOAD, *_CPU_UNDER_LOAD), 60000,
          quick=True),
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
    CallScenario(
        name="costs", title="256 in flight: what each guarantee costs",
        contenders=(
            ONE_BUFFER, _priced("bare", ONE_BUFFER, "--wire=bare"), RPC,
            _priced("no_deadline", RPC, "--wire=bare"),
            _priced("persistent", RPC, "--topology=persistent"),
            _priced("quorum", RPC, "--topology=quorum")),
        in_flight=256, wire="full", calls=30000, targets=(
            Target("calls_per_s", "one_buffer", "bare"),
            Target("calls_per_s", "rpc", "no_deadline"),
            Target("calls_per_s", "persistent", "rpc"),
            Target("calls_per_s", "quorum", "rpc"))),
)

_WITH_PEERS = (
    CallScenario(
        name="peers_w1", title="1 in flight, beside clients of other makers",
        contenders=(RPC_BLOCKING, GO, PIKA), in_flight=1, wire="full",
        calls=6000, peers=True, targets=(
            Target("p50_us", "rpc", "go"), Target("p50_us", "rpc", "pika"))),
    CallScenario(
        name="peers_w64", title="64 in flight, beside clients of other makers",
        contenders=(RPC, GO, PIKA, JAVA), in_flight=64, wire="full",
        calls=40000, peers=True, targets=(
            Target("calls_per_s", "rpc", "java", at_least=8),)),
    CallScenario(
        name="peers_w256",
        title="256 in flight, beside clients of other makers",
        contenders=(RPC, GO, PIKA), in_flight=256, wire="full", calls=40000,
        peers=True, targets=(
            Target("calls_per_s", "rpc", "go", at_least=3),
            Target("calls_per_s", "rpc", "pika", at_least=10))),
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

SCENARIOS = _OVER_RABBITMQ + _WITH_PEERS + _IN_PROCESS + _WEIGHT
