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

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


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
    parser.add_argument("--scenario", action="append", metavar="NAME",
                        help="run this scenario only; may be repeated")
    parser.add_argument("--quick", action="store_true",
                        help="the main scenarios, short runs: two minutes")
    parser.add_argument("--pairs", type=_at_least_one, default=5, metavar="N",
                        help="rounds in which each contender runs once "
                        "(default 5)")
    parser.add_argument("--n", type=_at_least_one, metavar="N",
                        help="measured calls per run, instead of the "
                        "scenario's own number")
    parser.add_argument("--json", metavar="FILE",
                        help="write all samples, medians and verdicts there")
    parser.add_argument("--plots", metavar="DIR",
                        help="write SVG plots of what was measured there")
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
    return parser.parse_args(arguments)


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


def run_scenario(scenario, context, pairs):
    """Runs the contenders in turn, `pairs` times: A B, B A, A B ..."""
    missing = {name: reason for name in scenario.contender_names()
               if (reason := scenario.missing(name, context))}
    names = [name for name in scenario.contender_names()
             if name not in missing]
    samples = {name: [] for name in names}
    for pair in range(pairs):
        for name in names if pair % 2 == 0 else reversed(names):
            print(f"{scenario.name}: {name}, round {pair + 1} of {pairs}",
                  file=sys.stderr, flush=True)
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
        os.path.join(_ROOT, "tests", "support", "private_broker"))


def measure(arguments, selected):
    """Runs the selected scenarios and prints each when it is done."""
    outcomes = []
    with _broker(arguments, selected) as broker, \
            tempfile.TemporaryDirectory(prefix="rpc-peers-") as peers_dir:
        if any(scenario.peers for scenario in selected):
            peers.build(peers_dir)
        context = Context(arguments.bin_dir, peers_dir, broker,
                          arguments.quick, arguments.n)
        for scenario in selected:
            outcomes.append(run_scenario(scenario, context, arguments.pairs))
            print(report.as_text(outcomes[-1]), flush=True)
    return outcomes


def machine():
    return {"date": time.strftime("%Y-%m-%d"), "system": platform.platform(),
            "processors": os.cpu_count(), "load": os.getloadavg()[0],
            "command": "benchmarks/run " + " ".join(sys.argv[1:])}


def write(arguments, outcomes):
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": machine(), "scenarios": [
                report.as_json(outcome) for outcome in outcomes]}, file,
                indent=1)
            file.write("\n")
    if arguments.plots:
        os.makedirs(arguments.plots, exist_ok=True)
        for path in plots.write(outcomes, arguments.plots):
            print(f"wrote {path}", file=sys.stderr)


def main(arguments):
    if arguments.list:
        for scenario in scenarios.SCENARIOS:
            print(f"{scenario.name:12} {scenario.title}")
        return 0
    selected = select(arguments)
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
    verdicts = [v for outcome in outcomes for v in outcome.verdicts()]
    missed = sum(verdict.reached is False for verdict in verdicts)
    judged = sum(verdict.reached is not None for verdict in verdicts)
    print(f"{judged - missed} of {judged} targets reached")
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main(parse_arguments(sys.argv[1:])))
