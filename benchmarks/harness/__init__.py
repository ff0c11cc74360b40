"""Runs contenders side by side and compares their medians."""
