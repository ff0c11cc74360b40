"""One contender of a RabbitMQ scenario: a server and a client process."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import threading

from harness import process_cpu
from harness import programs
from harness.programs import RunFailed

_READY_SECONDS = 20
_STOP_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class Contender:
    """The programs of a contender, and the flags that only they take."""
    name: str
    client: tuple
    server: tuple
    # Of the scenario's calls; below 1 for the slow.
    share: float = 1
    tls: bool = False

    def missing(self, context):
        """Why this contender cannot be run, or None."""
        if self.tls and context.broker.tls_url is None:
            return "the broker that was given has no amqps:// address"
        return (programs.missing(self.client[0], context)
                or programs.missing(self.server[0], context))

    def broker_flags(self, broker):
        if not self.tls:
            return [f"--broker={broker.url}"]
        return [f"--broker={broker.tls_url}", f"--ca_file={broker.ca_file}"]


@dataclasses.dataclass(frozen=True)
class Load:
    """What a client is to do."""
    in_flight: int
    warmup: int
    calls: int
    wire: str

    @staticmethod
    def of(calls, in_flight, wire):
        """With a warm-up that fills the queues and the caches."""
        return Load(in_flight, max(calls // 10, 4 * in_flight), calls, wire)

    def flags(self):
        return [f"--in_flight={self.in_flight}", f"--warmup={self.warmup}",
                f"--calls={self.calls}", f"--wire={self.wire}"]


def measure(contender, load, context, trace_client=(), trace_server=()):
    """Runs server and client once; returns a dict from metric to figure.

    `trace_client` and `trace_server` are commands that run in front of the
    programs; each must become the program itself.
    """
    timeout = 30 + load.calls / 200
    common = contender.broker_flags(context.broker) + [
        f"--queue=bench.{contender.name}", f"--contender={contender.name}"]
    with _running(contender.server, common, context, trace_server) as server:
        _expect_line(server, "serving", _READY_SECONDS)
        with _running(contender.client, common + load.flags(), context,
                      trace_client) as client:
            watched = {"server": server.pid}
            if context.broker.pid:
                watched["broker"] = context.broker.pid
            _expect_line(client, "measuring", timeout)
            before = _cpu_of(watched)
            report = json.loads(_expect_line(client, "{", timeout))
            after = _cpu_of(watched)
            if client.wait(_STOP_SECONDS) != 0:
                raise RunFailed(f"{contender.client[0]} exited with "
                                f"{client.returncode}")
        server.send_signal(signal.SIGTERM)
        served = json.loads(_expect_line(server, "{", _STOP_SECONDS))
        server.wait(_STOP_SECONDS)
    return _figures(report, served, load.calls,
                    {name: after[name] - before[name] for name in watched})


def _figures(report, served, calls, cpu):
    figures = {name: report[name]
               for name in ("calls_per_s", "p50_us", "p99_us")}
    figures["client_cpu_us"] = report["client_cpu_us_per_call"]
    for process, micros in cpu.items():
        figures[f"{process}_cpu_us"] = micros / calls
    # Under load the machine's time is the limit: what one call takes of it
    # holds even where other work slows the run.
    figures["all_cpu_us"] = sum(
        figures[f"{process}_cpu_us"] for process in ("client", *cpu))
    if "allocations" in served:
        figures["client_allocations"] = report["client_allocations_per_call"]
        figures["server_allocations"] = (
            served["allocations"] / max(served["calls"], 1))
        figures["allocations"] = (
            figures["client_allocations"] + figures["server_allocations"])
    return figures


def _cpu_of(pids):
    return {name: process_cpu.cpu_micros(pid) for name, pid in pids.items()}


@contextlib.contextmanager
def _running(command, flags, context, trace):
    process = subprocess.Popen(
        [*trace, programs.path_of(command[0], context), *flags, *command[1:]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def _expect_line(process, prefix, seconds):
    """The process's next line that begins with `prefix`.

    A process that prints none in time is killed, which ends the reading.
    """
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if line.startswith(prefix):
                return line
    finally:
        watchdog.cancel()
    raise RunFailed(f"{' '.join(map(str, process.args))} ended or took more "
                    f"than {seconds} s before it printed '{prefix}'")
