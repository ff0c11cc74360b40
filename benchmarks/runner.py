#!/usr/bin/env python3
"""Measures the scenarios: contenders in turn, medians, ratios, verdicts.

`benchmarks/run` builds the programs and then runs this script; by itself it
needs --bin_dir.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import signal
import sys
import tempfile
import time

from harness import broker as brokers
from harness import peers
from harness import plots
from harness import programs
from harness import report
from harness import scenarios
from harness.progress import Progress

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PAIRS, _QUICK_PAIRS = 5, 3


@dataclasses.dataclass(frozen=True)
class Context:
    """What every run of every scenario shares."""
    bin_dir: str
    peers_dir: str
    broker: brokers.Broker
    quick: bool
    calls: int


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/run",
        description="Measures the library beside hand-written contenders.")
    parser.add_argument("--list", action="store_true",
                        help="list the scenarios and exit")
    parser.add_argument("--dry_run", action="store_true",
                        help="say what would be run, and exit")
    parser.add_argument("--scenario", action="append", metavar="NAME",
                        help="run this scenario only; may be repeated")
    parser.add_argument("--quick", action="store_true",
                        help="the main scenarios, short runs: two minutes")
    parser.add_argument("--pairs", type=_at_least_one, metavar="N",
                        help="rounds in which each contender runs once "
                        f"(default {_PAIRS}, with --quick {_QUICK_PAIRS})")
    parser.add_argument("--n", type=_at_least_one, metavar="N",
                        help="measured calls per run over RabbitMQ, instead "
                        "of the scenario's own number")
    parser.add_argument("--json", metavar="FILE",
                        help="write all samples, medians and verdicts there")
    parser.add_argument("--plots", metavar="DIR",
                        help="write an SVG plot there for each claim that was "
                        "measured")
    parser.add_argument("--peers", action="store_true",
                        help="also run the scenarios with clients of other "
                        "makers, those that are installed")
    parser.add_argument("--check", action="store_true",
                        help="exit with 1 when a target is missed")
    parser.add_argument("--broker", metavar="URL",
                        help="measure on this broker instead of a private one")
    parser.add_argument("--broker_pid", type=int, metavar="PID",
                        help="the process of --broker, for its CPU time")
    parser.add_argument("--bin_dir", metavar="DIR",
                        default=os.path.join(_ROOT, "bazel-bin", "benchmarks"),
                        help="where the built programs are")
    parsed = parser.parse_args(arguments)
    if parsed.pairs is None:
        parsed.pairs = _QUICK_PAIRS if parsed.quick else _PAIRS
    return parsed


def _at_least_one(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def select(arguments):
    """The scenarios that the arguments name; exits with 2 on an unknown one."""
    known = {scenario.name: scenario for scenario in scenarios.SCENARIOS}
    if arguments.scenario:
        for name in arguments.scenario:
            if name not in known:
                print(f"no scenario {name}; --list shows them",
                      file=sys.stderr)
                sys.exit(2)
        return [known[name] for name in arguments.scenario]
    return [scenario for scenario in scenarios.SCENARIOS
            if (scenario.quick or not arguments.quick)
            and (arguments.peers or not scenario.peers)]


def run_scenario(scenario, context, pairs, progress):
    """Runs the contenders in turn, `pairs` times: A B A B ..."""
    missing = {name: reason for name in scenario.contender_names()
               if (reason := scenario.missing(name, context))}
    samples = {name: [] for name in scenario.contender_names()
               if name not in missing}
    progress.skip(len(missing) * pairs)
    for pair in range(pairs):
        for name in samples:
            progress.begin(f"{scenario.name}: {name}, round {pair + 1} of "
                           f"{pairs}")
            samples[name].append(scenario.measure(name, context))
    return report.Outcome(scenario, samples, missing)


def _broker(arguments, selected):
    if arguments.broker:
        return contextlib.nullcontext(
            brokers.Broker(arguments.broker, arguments.broker_pid))
    if not any(scenario.needs_broker() for scenario in selected):
        return contextlib.nullcontext(None)
    print("starting a private broker", file=sys.stderr, flush=True)
    return brokers.private_broker(
        os.path.join(_ROOT, "tests", "support", "private_broker"),
        tls=any(scenario.needs_tls() for scenario in selected))


def measure(arguments, selected):
    """Runs the selected scenarios and prints each when it is done."""
    outcomes = []
    progress = Progress(sys.stderr, arguments.pairs * sum(
        len(scenario.contender_names()) for scenario in selected))
    with _broker(arguments, selected) as broker, \
            tempfile.TemporaryDirectory(prefix="rpc-peers-") as peers_dir:
        if any(scenario.peers for scenario in selected):
            peers.build(peers_dir)
        context = Context(arguments.bin_dir, peers_dir, broker,
                          arguments.quick, arguments.n)
        for scenario in selected:
            outcomes.append(
                run_scenario(scenario, context, arguments.pairs, progress))
            print(report.as_text(outcomes[-1]), flush=True)
    return outcomes


def machine():
    version = ".".join(platform.release().split(".")[:2])
    return {"date": time.strftime("%Y-%m-%d"),
            "system": f"{platform.system()} {version}",
            "processor": _processor(), "processors": os.cpu_count(),
            "load": os.getloadavg()[0],
            "command": " ".join(["benchmarks/run", *_own_arguments()])}


def _own_arguments():
    """Without what benchmarks/run adds by itself."""
    arguments = sys.argv[1:]
    return arguments[2:] if arguments[:1] == ["--bin_dir"] else arguments


def _processor():
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()


def write(arguments, outcomes):
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": machine(), "scenarios": [
                report.as_json(outcome) for outcome in outcomes]}, file,
                indent=1)
            file.write("\n")
    if arguments.plots:
        os.makedirs(arguments.plots, exist_ok=True)
        for path in plots.write(outcomes, arguments.plots, machine()):
            print(f"wrote {path}", file=sys.stderr)


def main(arguments):
    # A reader that has seen enough ends the listing.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if arguments.list:
        for scenario in scenarios.SCENARIOS:
            print(f"{scenario.name:16} {scenario.title}")
        return 0
    selected = select(arguments)
    if arguments.dry_run:
        runs = sum(len(scenario.contender_names()) for scenario in selected)
        print(f"{len(selected)} scenarios, {runs * arguments.pairs} runs: "
              + " ".join(scenario.name for scenario in selected))
        return 0
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"other work keeps {load:.1f} processors busy: the figures will "
              "be too low, and the ratios uncertain", file=sys.stderr)
    # What was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        outcomes = measure(arguments, selected)
    except KeyboardInterrupt:
        return 130
    except (programs.RunFailed, brokers.NoBroker) as failure:
        print(failure, file=sys.stderr)
        return 1
    write(arguments, outcomes)
    print(report.summary(outcomes))
    missed = any(verdict.reached is False for outcome in outcomes
                 for verdict in outcome.verdicts())
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main(parse_arguments(sys.argv[1:])))
