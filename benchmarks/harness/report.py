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
    ("instructions", "instructions", "{:,.0f}"),
    ("client_syscalls", "client syscalls", "{:.2f}"),
    ("server_syscalls", "server syscalls", "{:.2f}"),
    ("seconds", "s", "{:.2f}"),
    ("bytes", "bytes", "{:,.0f}"),
)
_HEADINGS = {metric: heading for metric, heading, _ in _COLUMNS}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came out of a scenario: contender to samples, oldest first."""
    scenario: object
    samples: dict
    missing: dict  # contender to the reason why it did not take part

    def medians(self):
        return {name: comparison.medians(samples)
                for name, samples in self.samples.items() if samples}

    def verdicts(self):
        verdicts = [comparison.judge(target, self.samples)
                    for target in self.scenario.targets]
        return [verdict for verdict in verdicts if verdict]

    def unjudged(self):
        """The targets that ask for what was not measured."""
        return [target for target in self.scenario.targets
                if comparison.judge(target, self.samples) is None]


def as_text(outcome):
    lines = [f"{outcome.scenario.name}: {outcome.scenario.title}"]
    lines += _table(outcome.medians())
    for name, reason in outcome.missing.items():
        lines.append(f"  {name} not run: {reason}")
    lines += _aligned([_verdict_row(verdict)
                       for verdict in outcome.verdicts()])
    for target in outcome.unjudged():
        lines.append(f"  {' '.join(_names_of(target))}: not measured")
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
             "low": verdict.low, "high": verdict.high, "verdict": verdict.word}
            for verdict in outcome.verdicts()],
        "not_measured": [dataclasses.asdict(target)
                         for target in outcome.unjudged()],
    }


def summary(outcomes):
    """How many targets were reached, and below it each that was not."""
    judged = [(outcome, verdict) for outcome in outcomes
              for verdict in outcome.verdicts() if verdict.reached is not None]
    missed = [(outcome, verdict) for outcome, verdict in judged
              if not verdict.reached]
    lines = [f"{len(judged) - len(missed)} of {len(judged)} targets reached"]
    for outcome, verdict in missed:
        row = " ".join(cell for cell in _verdict_row(verdict) if cell)
        lines.append(f"  {outcome.scenario.name}: {row}")
    return "\n".join(lines)


def _table(medians):
    columns = [column for column in _COLUMNS
               if any(column[0] in figures for figures in medians.values())]
    rows = [[""] + [heading for _, heading, _ in columns]]
    for name, figures in medians.items():
        rows.append([name] + [
            form.format(figures[metric]) if metric in figures else ""
            for metric, _, form in columns])
    return _aligned(rows, right=True) if columns else []


def _aligned(rows, right=False):
    """The first column to the left, the others to the left or to the right."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(
        cell.rjust(width) if right and i > 0 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in rows]


def _names_of(target):
    ratio = f"{target.of} / {target.against}" if target.against else target.of
    return _HEADINGS.get(target.metric, target.metric), ratio


def _verdict_row(verdict):
    form = "{:,.0f}" if abs(verdict.value) >= 1000 else "{:.2f}"
    value, low, high = (form.format(number) for number in (
        verdict.value, verdict.low, verdict.high))
    spread = "" if low == high else f"({low} to {high})"
    return [*_names_of(verdict.target), f"= {value}", spread,
            _judgement(verdict)]


def _judgement(verdict):
    target = verdict.target
    bounds = []
    if target.at_least is not None:
        bounds.append(f"at least {target.at_least:,.4g}")
    if target.at_most is not None:
        bounds.append(f"at most {target.at_most:,.4g}")
    if not bounds:
        return ""
    return f"{' and '.join(bounds)}: {verdict.word}"
