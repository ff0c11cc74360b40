"""Benchmarks of one process, which report as google-benchmark does."""

import dataclasses

from harness import programs


@dataclasses.dataclass(frozen=True)
class ProgramScenario:
    """`programs` maps a contender to its program and the benchmark in it."""
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

    def needs_tls(self):
        return False
