"""The plots of a run: one SVG file per claim, for what was measured.

A title says what the figures of this very run say.
"""

import os
import textwrap

from harness import comparison
from harness import svg
from harness.comparison import Target

_NAMES = {"api": "rabbitmq-c, plain", "one_buffer": "rabbitmq-c, one buffer",
          "rpc": "this library", "rpc_async": "this library, callbacks",
          "rpc_thread": "callback thread"}
_COLORS = {"api": "#8794a1", "one_buffer": "#56697d", "rpc": "#0f766e",
           "rpc_async": "#5eb5a6", "rpc_thread": "#5eb5a6"}
_OURS = "#0f766e"
_CLIENT = svg.Part("client", "#0f766e")
_SERVER = svg.Part("server", "#5eb5a6", "#0b3b37")
_BROKER = svg.Part("broker", "#cbd2d9", "#1f2933")
_WAITING = svg.Part("waiting and waking up", "#eceff2", "#1f2933")
_ON = "RabbitMQ on loopback; deadline, mandatory and ack after reply on"
_COSTS = {"deadline": "a deadline", "mandatory": "mandatory",
          "confirms": "confirms (requests)",
          "persistence": "persistent messages",
          "quorum": "quorum queue", "tls": "TLS", "workers": "2 worker threads"}


def write(outcomes, directory, machine):
    """Writes the plots whose scenarios were run; yields the paths."""
    by_name = {outcome.scenario.name: outcome for outcome in outcomes}
    footer = _footer(machine)
    for name, chart in _charts(by_name, footer):
        path = os.path.join(directory, f"{name}.svg")
        with open(path, "w") as file:
            file.write(chart)
        yield path


def _charts(by_name, footer):
    loads = [by_name[name] for name in ("w1", "w8", "w64", "w256", "w1024")
             if name in by_name]
    if len(loads) > 1:
        yield "throughput", _throughput(loads, footer)
        yield "latency", _latency(loads, footer)
    under_load = [outcome for outcome in loads
                  if outcome.scenario.in_flight in (64, 256)]
    if under_load and _has_processes(under_load[-1]):
        yield "cpu", _cpu(under_load[-1], footer)
    if "w1" in by_name and _has_processes(by_name["w1"]):
        yield "one_call", _one_call(by_name["w1"], footer)
    if "pending" in by_name:
        yield "pending", _pending(by_name["pending"], footer)
    costs = {name: by_name[f"cost_{name}"] for name in _COSTS
             if f"cost_{name}" in by_name}
    if costs:
        yield "costs", _costs(costs, footer)


def _throughput(loads, footer):
    best = next((outcome for outcome in loads
                 if outcome.scenario.in_flight == 256), loads[-1])
    ratio = _ratio(best, "calls_per_s", "rpc", "api")
    title = (f"{ratio:.1f} times the calls per second of plain rabbitmq-c, "
             f"{best.scenario.in_flight} in flight" if ratio else
             "Calls per second")
    return svg.line_chart(
        svg.Frame(title, f"{_ON}; medians", footer),
        "calls in flight on one connection", "calls/s",
        _lines(loads, "calls_per_s"))


def _latency(loads, footer):
    ratio = _ratio(loads[0], "p50_us", "rpc", "api")
    title = (f"A lone call takes {ratio:.2f} times as long as with plain "
             "rabbitmq-c" if ratio and loads[0].scenario.in_flight == 1 else
             "Median time of a call")
    return svg.line_chart(
        svg.Frame(title, f"Median time of a call. {_ON}", footer),
        "calls in flight on one connection", "p50",
        _lines(loads, "p50_us"), log_y=True, form=_duration)


def _lines(loads, metric):
    points = {}
    for outcome in loads:
        for name, figures in outcome.medians().items():
            points.setdefault(name, []).append(
                (outcome.scenario.in_flight, figures[metric]))
    return [svg.Line(_NAMES.get(name, name), _COLORS.get(name, "#56697d"),
                     tuple(line), bold=name == "rpc")
            for name, line in points.items() if len(line) > 1]


def _cpu(outcome, footer):
    ratio = _ratio(outcome, "client_cpu_us", "rpc", "api")
    title = (f"The client takes {ratio:.2f} times the processor time of plain "
             "rabbitmq-c" if ratio else "Processor time of a call")
    parts = (_CLIENT, _SERVER, _BROKER)
    return svg.stacked_bars(
        svg.Frame(title, f"{outcome.scenario.in_flight} calls in flight. {_ON}",
                  footer),
        "processor time per call, microseconds", parts,
        {_NAMES.get(name, name): _processes(figures)
         for name, figures in outcome.medians().items()})


def _one_call(outcome, footer):
    medians = outcome.medians()
    bars = {}
    for name in ("api", "one_buffer", "rpc"):
        if name not in medians:
            continue
        figures = medians[name]
        spent = _processes(figures)
        bars[_NAMES.get(name, name)] = (
            *spent, max(figures["p50_us"] - sum(spent), 0))
    title = "Who spends the time of one call"
    if "rpc" in medians:
        ours = medians["rpc"]
        share = (ours["client_cpu_us"] + ours["server_cpu_us"]) / sum(
            bars[_NAMES["rpc"]])
        title = f"Client and server spend {share:.0%} of a lone call's time"
    return svg.stacked_bars(
        svg.Frame(title, f"One call at a time, median. {_ON}", footer),
        "microseconds", (_CLIENT, _SERVER, _BROKER, _WAITING), bars,
        form="{:,.0f}")


def _pending(outcome, footer):
    points = sorted((int(name), figures["nanoseconds"])
                    for name, figures in outcome.medians().items())
    few, many = points[0][0], points[-1][0]
    ratio = _ratio(outcome, "nanoseconds", str(many), str(few))
    title = (f"With {many:,} calls pending, a call costs {ratio:.2f} times one "
             f"with {few:,}" if ratio else "The cost of a call")
    return svg.line_chart(
        svg.Frame(title, "Start and end of a call, in the client alone",
                  footer),
        "calls pending", "ns/call",
        [svg.Line("this library", _OURS, tuple(points), bold=True)])


def _costs(costs, footer):
    rows = {}
    for name, outcome in costs.items():
        verdict = next((verdict for verdict in reversed(outcome.verdicts())
                        if verdict.target.metric == "calls_per_s"), None)
        if name == "confirms":
            verdict = next(iter(outcome.verdicts()), None)
        if verdict:
            rows[_COSTS[name]] = (verdict.value, verdict.low, verdict.high)
    return svg.share_bars(
        svg.Frame("What each guarantee leaves of the calls per second",
                  "256 calls in flight, with it beside without it: median and "
                  "range of pairs. mandatory and confirms: written by hand",
                  footer),
        "calls per second with it, of those without it", _OURS, rows)


def _ratio(outcome, metric, of, against):
    verdict = comparison.judge(Target(metric, of, against), outcome.samples)
    return verdict.value if verdict else None


def _has_processes(outcome):
    return any("broker_cpu_us" in figures and "server_cpu_us" in figures
               for figures in outcome.medians().values())


def _processes(figures):
    return tuple(figures.get(f"{process}_cpu_us", 0)
                 for process in ("client", "server", "broker"))


def _duration(micros):
    if micros < 1000:
        return f"{micros:,.0f} \u00b5s"
    return f"{micros / 1000:,.0f} ms" if micros < 1e6 else (
        f"{micros / 1e6:,.0f} s")


def _footer(machine):
    where = (f"{machine['date']}; {machine['processors']} x "
             f"{machine['processor']}; {machine['system']}")
    command = textwrap.shorten(machine["command"], 130, placeholder=" ...")
    return textwrap.shorten(where, 130, placeholder=" ..."), command
