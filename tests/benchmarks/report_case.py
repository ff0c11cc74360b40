"""The table, the verdicts' words, JSON and plots of what was measured."""

import dataclasses
import tempfile
import unittest
import xml.etree.ElementTree

from harness import plots
from harness import report
from harness import svg
from harness.comparison import Target


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    targets: tuple
    title: str = "a title"
    in_flight: int = 1


def outcome(name="w1", targets=(), missing=None, **samples):
    return report.Outcome(Scenario(name, targets), samples, missing or {})


_ONE = {"calls_per_s": 20000.0, "p50_us": 330.4, "p99_us": 700.0,
        "client_cpu_us": 12.34, "server_cpu_us": 5.0, "broker_cpu_us": 50.0,
        "allocations": 1.25}


class AsText(unittest.TestCase):
    def test_has_a_column_for_each_metric_that_was_measured(self):
        text = report.as_text(outcome(rpc=[_ONE]))
        for cell in ("calls/s", "20,000", "p50 us", "330", "p99 us",
                     "client cpu us", "12.3", "server cpu us", "broker cpu us",
                     "allocations", "1.25"):
            self.assertIn(cell, text)
        self.assertNotIn("bytes", text)

    def test_shows_medians(self):
        text = report.as_text(outcome(
            rpc=[{"p50_us": 100}, {"p50_us": 300}, {"p50_us": 200}]))
        self.assertIn("200", text)
        self.assertNotIn("300", text)

    def test_judges_each_target(self):
        targets = (Target("p50_us", "rpc", "api", at_most=1.05),
                   Target("calls_per_s", "rpc", "api", at_least=0.9),
                   Target("p99_us", "rpc", "api"))
        text = report.as_text(outcome(
            targets=targets, rpc=[_ONE], api=[dict(_ONE, p50_us=165.2)]))
        self.assertRegex(text, r"p50 us +rpc / api += 2\.00 .*1\.05: missed")
        self.assertRegex(text, r"calls/s +rpc / api += 1\.00 .*0\.9: reached")
        self.assertRegex(text, r"p99 us +rpc / api += 1\.00\n")

    def test_says_what_was_not_run(self):
        text = report.as_text(outcome(
            targets=(Target("p50_us", "rpc", "go"),), rpc=[_ONE],
            missing={"go": "go_client is not installed"}))
        self.assertIn("go not run: go_client is not installed", text)
        self.assertIn("p50 us rpc / go: not measured", text)


class Summary(unittest.TestCase):
    def test_counts_what_is_bounded_and_names_what_is_missed(self):
        targets = (Target("p50_us", "rpc", at_most=1),
                   Target("calls_per_s", "rpc", at_least=1),
                   Target("p99_us", "rpc"))
        text = report.summary([outcome(targets=targets, rpc=[_ONE])])
        self.assertTrue(text.startswith("1 of 2 targets reached\n"), text)
        self.assertIn("w1: p50 us rpc = 330.40 at most 1: missed", text)


class AsJson(unittest.TestCase):
    def test_has_samples_and_verdicts(self):
        document = report.as_json(outcome(
            targets=(Target("p50_us", "rpc", at_most=1),
                     Target("p50_us", "go")), rpc=[_ONE]))
        self.assertEqual(document["samples"]["rpc"], [_ONE])
        self.assertEqual(document["medians"]["rpc"], _ONE)
        self.assertEqual(document["targets"][0]["verdict"], "missed")
        self.assertEqual(document["not_measured"][0]["of"], "go")


class Plots(unittest.TestCase):
    _MACHINE = {"date": "2030-01-02", "processors": 2, "processor": "a <chip>",
                "system": "Linux", "command": "benchmarks/run --plots x"}

    def write(self, *outcomes):
        with tempfile.TemporaryDirectory() as directory:
            texts = {}
            for path in plots.write(outcomes, directory, self._MACHINE):
                with open(path) as file:
                    texts[path.rpartition("/")[2]] = file.read()
            return texts

    def loads(self):
        return [report.Outcome(
            Scenario(f"w{in_flight}", (), in_flight=in_flight),
            {"api": [_ONE], "rpc": [dict(_ONE, calls_per_s=30000.0)]}, {})
                for in_flight in (1, 8, 64, 256, 1024)]

    def test_there_is_one_for_each_claim_that_was_measured(self):
        pending = outcome("pending", **{"100": [{"nanoseconds": 300}],
                                        "100000": [{"nanoseconds": 330}]})
        cost = outcome("cost_tls", (Target("calls_per_s", "rpc_tls", "rpc"),),
                       rpc=[_ONE], rpc_tls=[dict(_ONE, calls_per_s=10000.0)])
        written = self.write(*self.loads(), pending, cost)
        self.assertEqual(sorted(written), [
            "costs.svg", "cpu.svg", "latency.svg", "one_call.svg",
            "pending.svg", "throughput.svg"])
        for name, text in written.items():
            with self.subTest(name):
                xml.etree.ElementTree.fromstring(text)
                self.assertIn("2030-01-02", text)
                self.assertIn("a &lt;chip&gt;", text)
                self.assertIn("benchmarks/run --plots x", text)
        self.assertIn("1.10 times", written["pending.svg"])
        self.assertIn("50%", written["costs.svg"])

    def test_titles_say_what_was_measured(self):
        written = self.write(*self.loads())
        self.assertIn("1.5 times the calls per second",
                      written["throughput.svg"])
        self.assertIn("A lone call takes 1.00 times", written["latency.svg"])

    def test_nothing_measured_is_no_plot(self):
        self.assertEqual(self.write(outcome("direct", rpc=[
            {"nanoseconds": 1}])), {})


class Charts(unittest.TestCase):
    def test_labels_of_lines_that_end_together_do_not_cover_each_other(self):
        lines = [svg.Line(name, "#000", ((1, 1), (8, 5)))
                 for name in ("first", "second")]
        chart = xml.etree.ElementTree.fromstring(svg.line_chart(
            svg.Frame("title", "", ()), "x", "y", lines))
        places = [float(text.get("y")) for text in chart.iter()
                  if text.text in ("first", "second")]
        self.assertGreaterEqual(abs(places[0] - places[1]), 15)


if __name__ == "__main__":
    unittest.main()
