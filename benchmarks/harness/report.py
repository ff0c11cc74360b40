"""A scenario's outcome as a table for people, and as JSON."""

import dataclasses

from harness import comparison

# Metric, heading, format; a metric that no contender has gets no column.
_COLUMNS = (
    ("calls_per_s", "calls/s", "{:,.0f}"),
    ("p50_us", "p50 us", "{:,.0f}"),
    ("p99_us", "p99 us", "{:,.0f}"),
    ("client_cpu_us", "client cpu us", "{:.1f}"),
    ("server_cpu_us", "server cpu us", "{:.1f}"),
    ("broker_cpu_us", "broker cpu us", "{:.1f}"),
    ("all_cpu_us", "all cpu us", "{:.1f}"),
    ("nanoseconds", "ns/call", "{:,.1f}"),
    ("allocations", "allocations", "{:.2f}"),
    ("seconds", "s", "{:.2f}"),
    ("bytes", "bytes", "{:,.0f}"),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came out of a scenario: contender to samples, oldest first."""
    scenario: object
    samples: dict
    missing: dict  # contender to the reason why it did not take part

    def medians(self):
        return {name: comparison.medians(samples)
                for name, samples in self.samples.items()}

    def verdicts(self):
        verdicts = [comparison.judge(target, self.samples)
                    for target in self.scenario.targets]
        return [verdict for verdict in verdicts if verdict]

    def unjudged(self):
        return [target for target in self.scenario.targets
                if comparison.judge(target, self.samples) is None]


def as_text(outcome):
    lines = [f"{outcome.scenario.name}: {outcome.scenario.title}"]
    lines += _table(outcome.medians())
    for name, reason in outcome.missing.items():
        lines.append(f"  {name} not run: {reason}")
    for verdict in outcome.verdicts():
        lines.append(f"  {_describe(verdict.target)} = {verdict.value:.2f}"
                     f"{_judgement(verdict)}")
    for target in outcome.unjudged():
        lines.append(f"  {_describe(target)} not measured")
    return "\n".join(lines) + "\n"


def as_json(outcome):
    return {
        "scenario": outcome.scenario.name,
        "title": outcome.scenario.title,
        "medians": outcome.medians(),
        "samples": outcome.samples,
        "missing": outcome.missing,
        "targets": [
            {**dataclasses.asdict(verdict.target), "value": verdict.value,
             "reached": verdict.reached} for verdict in outcome.verdicts()],
    }


def _table(medians):
    columns = [column for column in _COLUMNS
               if any(column[0] in figures for figures in medians.values())]
    rows = [[""] + [heading for _, heading, _ in columns]]
    for name, figures in medians.items():
        rows.append([name] + [
            form.format(figures[metric]) if metric in figures else ""
            for metric, _, form in columns])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(
        cell.ljust(width) if i == 0 else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths))) for row in rows]


def _describe(target):
    ratio = f"{target.of} / {target.against}" if target.against else target.of
    return f"{target.metric} {ratio}"


def _judgement(verdict):
    target = verdict.target
    if verdict.reached is None:
        return ""
    bounds = []
    if target.at_least is not None:
        bounds.append(f"at least {target.at_least:.2f}")
    if target.at_most is not None:
        bounds.append(f"at most {target.at_most:.2f}")
    reached = "reached" if verdict.reached else "MISSED"
    return f" ({' and '.join(bounds)}: {reached})"
