"""How often a call enters the kernel, counted by strace."""

import dataclasses
import os
import re
import shutil
import tempfile
import time

from harness import contender as contenders
from harness import programs
from harness.scenario import BrokerScenario

_PATIENCE_SECONDS = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class SyscallScenario(BrokerScenario):
    """One side at a time is traced: what is traced is slow, and what is slow
    finds more to do each time it looks."""

    def missing(self, name, context):
        if shutil.which("strace") is None:
            return "strace is not installed"
        return super().missing(name, context)

    def measure(self, name, context):
        contender = self._contender(name)
        load = contenders.Load.of(context.calls or self.calls, self.in_flight,
                                  "full")
        return {f"{side}_syscalls": _traced(side, contender, load, context)
                for side in ("client", "server")}


def _traced(side, contender, load, context):
    """System calls per call of one side, from its start to its end."""
    with tempfile.TemporaryDirectory(prefix="rpc-strace-") as directory:
        path = os.path.join(directory, "counts")
        # -D: the program is our child, and strace its own grandchild.
        strace = ("strace", "-D", "-f", "-c", "-o", path)
        contenders.measure(contender, load, context,
                           **{f"trace_{side}": strace})
        return _total(path) / (load.warmup + load.calls)


def _total(path):
    """The sum that strace writes when the program has ended."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        if os.path.exists(path):
            with open(path) as counts:
                total = parse_total(counts.read())
            if total is not None:
                return total
        time.sleep(0.05)
    raise programs.RunFailed("strace counted nothing; may it trace here?")


def parse_total(text):
    """The number of calls in the last line of `strace -c`, or None."""
    rules = ""
    for line in text.splitlines():
        if line.startswith("------ "):
            rules = line
        elif line.endswith(" total") and rules:
            # Other columns may be empty; this one ends where its rule ends.
            end = [rule.end() for rule in re.finditer("-+", rules)][3]
            return int(line[:end].split()[-1])
    return None
