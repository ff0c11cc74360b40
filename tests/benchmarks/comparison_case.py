"""Medians, ratios of neighbours, and what is reached or missed."""

import unittest

from harness import comparison
from harness.comparison import Target


def samples(**columns):
    """Contender to its figures of the metric "m", oldest first."""
    return {name: [{"m": figure} for figure in figures]
            for name, figures in columns.items()}


class Medians(unittest.TestCase):
    def test_each_metric_has_its_own(self):
        self.assertEqual(
            comparison.medians([{"a": 1, "b": 9}, {"a": 50, "b": 7},
                                {"a": 3, "b": 8}]), {"a": 3, "b": 8})

    def test_of_an_even_number_is_between_the_middle_two(self):
        self.assertEqual(comparison.medians([{"a": 1}, {"a": 4}]), {"a": 2.5})


class Judge(unittest.TestCase):
    def test_a_ratio_is_the_median_over_neighbours(self):
        # The second pair ran while the machine was slow.
        verdict = comparison.judge(
            Target("m", "a", "b"),
            samples(a=[200, 20, 210], b=[100, 10, 100]))
        self.assertAlmostEqual(verdict.value, 2.0)
        self.assertAlmostEqual(verdict.low, 2.0)
        self.assertAlmostEqual(verdict.high, 2.1)

    def test_without_against_it_is_the_metric_itself(self):
        verdict = comparison.judge(Target("m", "a"), samples(a=[3, 1, 2]))
        self.assertEqual(verdict.value, 2)

    def test_what_was_not_measured_has_no_verdict(self):
        self.assertIsNone(
            comparison.judge(Target("m", "a", "b"), samples(a=[1])))
        self.assertIsNone(
            comparison.judge(Target("m", "a", "b"), samples(a=[1], b=[])))
        self.assertIsNone(
            comparison.judge(Target("other", "a"), samples(a=[1])))

    def test_nothing_is_divided_by_zero(self):
        self.assertIsNone(
            comparison.judge(Target("m", "a", "b"), samples(a=[1], b=[0])))

    def word(self, value, **bounds):
        return comparison.judge(
            Target("m", "a", **bounds), samples(a=[value])).word

    def test_a_bound_is_reached_or_missed(self):
        self.assertEqual(self.word(1.40, at_least=1.4), "reached")
        self.assertEqual(self.word(1.39, at_least=1.4), "missed")
        self.assertEqual(self.word(1.05, at_most=1.05), "reached")
        self.assertEqual(self.word(1.06, at_most=1.05), "missed")
        self.assertEqual(self.word(0, at_most=0), "reached")
        self.assertEqual(self.word(0.1, at_most=0), "missed")

    def test_both_bounds_have_to_hold(self):
        self.assertEqual(self.word(1, at_least=0.9, at_most=1.1), "reached")
        self.assertEqual(self.word(0.8, at_least=0.9, at_most=1.1), "missed")
        self.assertEqual(self.word(1.2, at_least=0.9, at_most=1.1), "missed")

    def test_without_a_bound_it_is_reported(self):
        self.assertEqual(self.word(7), "reported")


if __name__ == "__main__":
    unittest.main()
