"""The plots of a run: one SVG file per claim, for what was measured."""

import os

from harness import scenarios
from harness import svg


def write(outcomes, directory):
    """Writes the plots whose scenarios were run; yields the paths."""
    loads = [outcome for outcome in outcomes
             if isinstance(outcome.scenario, scenarios.CallScenario)
             and outcome.scenario.wire == "full"
             and outcome.scenario.name.startswith("w")]
    pending = [outcome for outcome in outcomes
               if outcome.scenario.name == "pending"]
    for name, chart in (*_charts(loads), *_pending_charts(pending)):
        path = os.path.join(directory, f"{name}.svg")
        with open(path, "w") as file:
            file.write(chart)
        yield path


def _charts(loads):
    if len(loads) > 1:
        yield "throughput", svg.line_chart(
            "Calls per second, by calls in flight", "calls in flight",
            "calls/s", _over_in_flight(loads, "calls_per_s"))
        yield "latency", svg.line_chart(
            "Median round trip, by calls in flight", "calls in flight",
            "microseconds", _over_in_flight(loads, "p50_us"), log_y=True)
    for outcome in loads:
        bars = {
            name: {process: figures[f"{process}_cpu_us"]
                   for process in ("client", "server", "broker")
                   if f"{process}_cpu_us" in figures}
            for name, figures in outcome.medians().items()}
        if bars:
            yield f"cpu_{outcome.scenario.name}", svg.stacked_bars(
                f"CPU per call, {outcome.scenario.in_flight} in flight",
                "microseconds", bars)


def _pending_charts(outcomes):
    for outcome in outcomes:
        yield "pending", svg.line_chart(
            "CPU of one call, by calls pending", "calls pending",
            "nanoseconds", {"rpc": [
                (int(name), figures["nanoseconds"])
                for name, figures in outcome.medians().items()]})


def _over_in_flight(loads, metric):
    series = {}
    for outcome in loads:
        for name, figures in outcome.medians().items():
            series.setdefault(name, []).append(
                (outcome.scenario.in_flight, figures[metric]))
    return series
