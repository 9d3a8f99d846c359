"""Progress on standard error: percent and time left, from the second second on."""

from __future__ import annotations

import sys
import time

_QUIET_S = 2.0
_EVERY_S = 0.5
_EVERY_PLAIN_S = 5.0


class Progress:
    """A line that is drawn anew on a terminal, and now and then written where there is none."""

    def __init__(self, label: str, unit: str | None = None) -> None:
        """``unit`` names what is counted, where it is worth a rate of its own."""
        self.label, self.unit = label, unit
        self._before: float | None = None
        self._ended = False
        self._start = self._last = time.monotonic()
        self._drawn = False
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: float, total: int) -> None:
        """Report that ``done`` of ``total`` parts are done."""
        now = time.monotonic()
        spent = now - self._start
        # What was done before the first report was not done in the time since; only work with a unit begins so.
        if self._before is None:
            self._before = done if self.unit else 0.0
        new = done - self._before
        if spent < _QUIET_S or (new <= 0 and not self.unit) or total <= 0 or self._ended:
            return
        self._ended = done >= total
        if self._ended and self._last == self._start and not self._terminal:
            return  # a log needs no last line of work that never had a first
        if now - self._last < (_EVERY_S if self._terminal else _EVERY_PLAIN_S) and done < total:
            return
        self._last = now
        text = f"{self.label}: {self._text(done, total, new, spent)}"
        end = "" if self._terminal else "\n"
        print(f"\r{text:<70}" if self._terminal else text, end=end, file=sys.stderr, flush=True)
        self._drawn = self._terminal

    def _text(self, done: float, total: int, new: float, spent: float) -> str:
        percent = f"{100 * done / total:.0f}%"
        if self.unit:
            percent = f"{percent} of {total:,} {self.unit}"
        if new <= 0:
            return f"{percent}, {spent:.0f} s so far"
        rate = f", {new / spent:.3g} {self.unit}/s" if self.unit else ""
        return f"{percent}{rate}, about {spent / new * (total - done):.0f} s left"

    def close(self) -> None:
        """Clear the line."""
        if self._drawn:
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr, flush=True)
            self._drawn = False
