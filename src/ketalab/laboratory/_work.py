"""How far a run has come, added up from its parts."""

from __future__ import annotations

from collections.abc import Callable

from ketalab.engine import Tell

#: Hears how far a run is: (done, total), in the unit of the total; done grows by fractions too.
Progress = Callable[[float, int], None]


class Work:
    """Parts of a run with their shares of its time, one after the other.

    Parameters
    ----------
    progress : hears of it, if anyone does.
    total : what the whole is worth to the listener, such as a number of patients.
    weight : what the weights of all parts will add up to.
    """

    def __init__(self, progress: Progress | None, total: int, weight: float) -> None:
        self.progress, self.total, self.weight = progress, total, weight
        self.done = 0.0

    def part(self, weight: float) -> Tell | None:
        """The next part; tell it how far it is. None where nobody listens."""
        begin = self.done
        self.done += weight
        if self.progress is None:
            return None
        listener = self.progress

        def tell(share: float) -> None:
            # The end is said once, by the run itself.
            listener(min((begin + weight * share) / self.weight, 0.999) * self.total, self.total)

        return tell


def within(tell: Tell | None, begin: float, end: float) -> Tell | None:
    """A listener for a piece of a part, from one share of it to another."""
    if tell is None:
        return None
    listener = tell
    return lambda share: listener(begin + (end - begin) * share)
