"""Benchmarks of one process, which report as google-benchmark does."""

import dataclasses

from harness import programs
from harness.scenario import Scenario


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProgramScenario(Scenario):
    """`programs` maps a contender to its program and the benchmark in it."""
    programs: dict
    quick: bool = True

    def contender_names(self):
        return list(self.programs)

    def missing(self, name, context):
        return programs.missing(self.programs[name][0], context)

    def measure(self, name, context):
        return programs.measure(*self.programs[name], context)
