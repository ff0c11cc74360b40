"""Programs that measure themselves and report as google-benchmark does."""

import json
import os
import subprocess
import sys

_TIMEOUT_SECONDS = 120
_NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class RunFailed(Exception):
    """A measured program failed; the message says which and how."""


def path_of(program, context):
    """Where `program` is: built, a peer, or a script of the sources."""
    if program.endswith(".py"):
        return os.path.join(os.path.dirname(os.path.dirname(__file__)),
                            program)
    if program.startswith("peers/"):
        return os.path.join(context.peers_dir, program.removeprefix("peers/"))
    return os.path.join(context.bin_dir, program)


def missing(program, context):
    """Why the program cannot be run, or None."""
    if os.path.exists(path_of(program, context)):
        return None
    return (f"{program.removeprefix('peers/')} is not installed"
            if program.startswith("peers/") else f"no program {program}")


def measure(program, benchmark, context):
    """Runs one benchmark once; returns a dict from metric to figure."""
    seconds = 0.1 if context.quick else 0.5
    command = [path_of(program, context),
               f"--benchmark_filter=^{benchmark}(/|$)",
               f"--benchmark_min_time={seconds}", "--benchmark_format=json"]
    if program.endswith(".py"):
        command.insert(0, sys.executable)
    run = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                         capture_output=True, timeout=_TIMEOUT_SECONDS,
                         check=False)
    if run.returncode != 0:
        raise RunFailed(f"{program} exited with {run.returncode}: "
                        f"{run.stderr.strip()}")
    reports = json.loads(run.stdout)["benchmarks"]
    if len(reports) != 1 or "error_message" in reports[0]:
        raise RunFailed(f"{program}: {benchmark} failed: {reports}")
    return _figures(reports[0])


def _figures(report):
    # What one thread does by itself is told best by its own processor time.
    waits = "real_time" in report["name"] or "cpu_time" not in report
    time = report["real_time" if waits else "cpu_time"]
    figures = {"nanoseconds": time * _NANOSECONDS[report["time_unit"]]}
    for metric in ("allocations", "bytes"):
        if metric in report:
            figures[metric] = report[metric]
    if "items_per_second" in report:
        figures["calls_per_s"] = report["items_per_second"]
    return figures
