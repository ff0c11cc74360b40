"""Medians, ratios of interleaved runs, and verdicts against targets."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Target:
    """A bound on the ratio of a metric between two contenders.

    `of` is divided by `against`; without `against` the bound is on the metric
    itself. A target without a bound is only reported.
    """
    metric: str
    of: str
    against: str = None
    at_least: float = None
    at_most: float = None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What was measured against a target; `low` to `high` over the pairs."""
    target: Target
    value: float
    low: float
    high: float

    @property
    def reached(self):
        """None where there is no bound."""
        target = self.target
        if target.at_least is None and target.at_most is None:
            return None
        above = target.at_least is None or self.value >= target.at_least
        below = target.at_most is None or self.value <= target.at_most
        return above and below

    @property
    def word(self):
        return {None: "reported", True: "reached", False: "missed"}[
            self.reached]


def medians(samples):
    """The median of each metric over a contender's samples."""
    return {metric: statistics.median(sample[metric] for sample in samples)
            for metric in samples[0]}


def judge(target, samples):
    """The target's verdict, or None where a contender was not run.

    `samples` maps a contender to its samples, the i-th of each taken side by
    side. The value is the median of the ratios of such neighbours: what slows
    the machine for a while slows both of them.
    """
    names = [target.of] + ([target.against] if target.against else [])
    if any(not samples.get(name) for name in names):
        return None
    if any(target.metric not in samples[name][0] for name in names):
        return None
    columns = [[sample[target.metric] for sample in samples[name]]
               for name in names]
    values = columns[0]
    if target.against:
        values = [of / against for of, against in zip(*columns) if against]
    if not values:
        return None
    return Verdict(target, statistics.median(values), min(values), max(values))
