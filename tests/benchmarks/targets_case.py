"""What benchmarks/run holds the library to."""

import unittest

from harness import scenarios

# Scenario, metric, contender, the contender it is divided by, bounds.
_TARGETS = (
    ("direct", "nanoseconds", "rpc", "bare", None, 1.1),
    ("direct", "allocations", "rpc", None, None, 0),
    ("direct_instructions", "instructions", "rpc", "bare", None, None),
    ("memory_k1", "nanoseconds", "rpc", "futex", None, 1.5),
    ("memory_w256", "calls_per_s", "inline", None, 1e6, None),
    ("w1", "p50_us", "rpc", "api", None, 1.05),
    ("w64", "calls_per_s", "rpc", "api", 1.4, None),
    ("w64", "calls_per_s", "rpc", "one_buffer", 0.95, None),
    ("w256", "calls_per_s", "rpc", "api", 1.4, None),
    ("w256", "calls_per_s", "rpc", "one_buffer", 0.95, None),
    ("w64_bare", "calls_per_s", "rpc", "one_buffer", None, None),
    ("w256_bare", "calls_per_s", "rpc", "one_buffer", None, None),
    ("w256", "client_cpu_us", "rpc", "api", None, 0.6),
    ("w256", "client_cpu_us", "rpc", "one_buffer", None, 1.4),
    ("w256", "allocations", "rpc", None, None, 4),
    ("k64", "calls_per_s", "rpc", "io_thread", 0.95, None),
    ("syscalls", "client_syscalls", "rpc", None, None, 0.5),
    ("syscalls", "server_syscalls", "rpc", None, None, 0.5),
    ("peers_w256", "calls_per_s", "rpc", "go", 3, None),
    ("peers_w256", "calls_per_s", "rpc", "pika", 10, None),
    ("peers_w64", "calls_per_s", "rpc", "java", 8, None),
    ("pending", "nanoseconds", "100000", "100", None, 1.5),
    ("pending", "bytes", "100000", None, None, 300),
    ("memoized", "nanoseconds", "rpc", "bare", None, 2),
    ("big", "nanoseconds", "rpc", "gmp", None, 10),
    ("big", "nanoseconds", "rpc", "python", None, 1),
    ("compile", "seconds", "rpc", "abseil", None, 1.5),
    ("compile", "seconds", "rabbitmq", "rabbitmq_abseil", None, 2),
    ("size", "bytes", "rpc", "api", None, None),
)


class Targets(unittest.TestCase):
    def test_each_is_in_its_scenario(self):
        present = {
            (scenario.name, target.metric, target.of, target.against,
             target.at_least, target.at_most)
            for scenario in scenarios.SCENARIOS
            for target in scenario.targets}
        for expected in _TARGETS:
            with self.subTest(expected):
                self.assertIn(expected, present)

    def test_each_names_contenders_that_take_part(self):
        for scenario in scenarios.SCENARIOS:
            names = scenario.contender_names()
            self.assertEqual(len(names), len(set(names)), scenario.name)
            for target in scenario.targets:
                with self.subTest(scenario.name, target=target):
                    self.assertIn(target.of, names)
                    self.assertIn(target.against, [None, *names])

    def test_each_guarantee_has_its_price(self):
        names = {scenario.name for scenario in scenarios.SCENARIOS}
        for guarantee in ("deadline", "mandatory", "confirms", "persistence",
                          "quorum", "tls", "workers"):
            self.assertIn(f"cost_{guarantee}", names)

    def test_names_are_unique(self):
        names = [scenario.name for scenario in scenarios.SCENARIOS]
        self.assertEqual(len(names), len(set(names)))

    def test_quick_needs_no_other_makers_clients(self):
        quick = [scenario for scenario in scenarios.SCENARIOS
                 if scenario.quick]
        self.assertTrue(quick)
        self.assertFalse([scenario for scenario in quick if scenario.peers])


if __name__ == "__main__":
    unittest.main()
