"""Progress on standard error: percent and time left, from the second second on."""

from __future__ import annotations

import sys
import time

_QUIET_S = 2.0
_EVERY_S = 0.5
_EVERY_PLAIN_S = 5.0


class Progress:
    """A line that is drawn anew on a terminal, and now and then written where there is none."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._start = self._last = time.monotonic()
        self._drawn = False
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: float, total: int) -> None:
        """Report that ``done`` of ``total`` parts are done."""
        now = time.monotonic()
        spent = now - self._start
        if spent < _QUIET_S or done <= 0 or total <= 0:
            return
        if now - self._last < (_EVERY_S if self._terminal else _EVERY_PLAIN_S) and done < total:
            return
        self._last = now
        left = spent / done * (total - done)
        text = f"{self.label}: {100 * done / total:.0f}%, about {left:.0f} s left"
        end = "" if self._terminal else "\n"
        print(f"\r{text:<70}" if self._terminal else text, end=end, file=sys.stderr, flush=True)
        self._drawn = self._terminal

    def close(self) -> None:
        """Clear the line."""
        if self._drawn:
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)
            self._drawn = False
