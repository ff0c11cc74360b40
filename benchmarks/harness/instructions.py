"""How many instructions a call takes, counted by callgrind."""

import dataclasses
import re
import shutil
import subprocess

from harness import programs
from harness.scenario import Scenario

_TIMEOUT_SECONDS = 120
# What both runs have in common, start and end, is not a call's.
_FEW, _MANY = 1000, 11000


@dataclasses.dataclass(frozen=True, kw_only=True)
class InstructionScenario(Scenario):
    """`flags` maps a contender to what `program` is given for it."""
    program: str
    flags: dict

    def contender_names(self):
        return list(self.flags)

    def missing(self, _name, context):
        if shutil.which("valgrind") is None:
            return "valgrind is not installed"
        return programs.missing(self.program, context)

    def measure(self, name, context):
        command = [programs.path_of(self.program, context), *self.flags[name]]
        few, many = (_counted([*command, f"--calls={calls}"])
                     for calls in (_FEW, _MANY))
        return {"instructions": (many - few) / (_MANY - _FEW)}


def _counted(command):
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         *command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_TIMEOUT_SECONDS, check=False)
    total = parse_total(run.stderr)
    if run.returncode != 0 or total is None:
        raise programs.RunFailed(
            f"{' '.join(command)} failed under valgrind: {run.stderr.strip()}")
    return total


def parse_total(text):
    """The number of instructions in what callgrind says at the end, or None."""
    found = re.search(r"^==\d+== Collected : (\d+)$", text, re.MULTILINE)
    return int(found.group(1)) if found else None
