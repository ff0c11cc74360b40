"""Says what runs, how far it is, and how long the rest may take."""

import time


class Progress:
    """Of `total` runs, told about each as it begins."""

    def __init__(self, stream, total, clock=time.monotonic):
        self._stream = stream
        self._total = total
        self._clock = clock
        self._begun = 0
        self._start = None

    def skip(self, runs):
        """So many runs will not take place."""
        self._total -= runs

    def begin(self, what):
        if self._start is None:
            self._start = self._clock()
        done = self._begun
        self._begun += 1
        elapsed = self._clock() - self._start
        left = ""
        if done:
            left = f", {_minutes(elapsed / done * (self._total - done))} left"
        print(f"[{self._begun}/{self._total}{left}] {what}",
              file=self._stream, flush=True)


def _minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
