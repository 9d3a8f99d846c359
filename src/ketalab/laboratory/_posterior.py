"""The posterior of the body's constants: what a joint fit made of the published values, with its covariance.

The posterior is normal on each fact's own scale (log, logit or identity). A fact that is in it is drawn from it, with
its correlations; every other fact is drawn within its own stated uncertainty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import InputError
from ketalab.facts import facts

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """Names of facts (n), their mode (n,) and covariance (n, n), each on the scale of its fact."""

    names: tuple[str, ...]
    mode: Array
    covariance: Array
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def root(self) -> Array:
        """Lower triangular root of the covariance."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=float)

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each name."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of names, mode and covariance."""
        text = json.dumps([list(self.names), self.mode.tolist(), self.covariance.tolist()])
        return hashlib.sha256(text.encode()).hexdigest()

    def distance(self, other: Posterior) -> float:
        """Largest difference of the modes, in standard deviations of this one; infinite where the facts differ."""
        if self.names != other.names:
            return float("inf")
        away = np.abs(self.mode - other.mode) / np.sqrt(np.diag(self.covariance))
        return float(away.max())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, numbers to ten digits; of the covariance the lower triangle, row by row."""
        rounded = [
            [float(f"{x:.10g}") for x in row[: i + 1]] for i, row in enumerate(self.covariance)
        ]
        return {
            **self.about,
            "facts": list(self.names),
            "mode": [float(f"{x:.10g}") for x in self.mode],
            "covariance": rounded,
        }


def read_posterior(content: Mapping[str, Any], where: str) -> Posterior:
    """Check a posterior read from JSON.

    Raises
    ------
    InputError
        Names that are no facts, shapes that do not fit, or a covariance that is none.
    """
    try:
        names = tuple(content["facts"])
        mode = np.array(content["mode"], float)
        covariance = np.zeros((len(names), len(names)))
        for i, row in enumerate(content["covariance"]):
            covariance[i, : i + 1] = covariance[: i + 1, i] = row
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: not a posterior: {error!r}") from None
    unknown = [name for name in names if name not in facts()]
    if unknown:
        raise InputError(f"{where}: {unknown[0]!r} is no fact")
    if mode.shape != (len(names),) or len(content["covariance"]) != len(names):
        raise InputError(f"{where}: mode and covariance do not fit {len(names)} facts")
    about = {k: v for k, v in content.items() if k not in ("facts", "mode", "covariance")}
    made = Posterior(names, mode, covariance, about)
    try:
        finite = bool(np.isfinite(made.root).all() and np.isfinite(mode).all())
    except np.linalg.LinAlgError:
        finite = False
    if not finite:
        raise InputError(f"{where}: the covariance is not positive definite")
    return made


@cache
def shipped_posterior() -> Posterior | None:
    """The posterior that is packaged; None where there is none."""
    place = files("ketalab") / "data" / "posterior" / "body.json"
    if not place.is_file():
        return None
    return read_posterior(json.loads(place.read_text(encoding="utf-8")), str(place))


def load_posterior(path: Path | str) -> Posterior:
    """Read a posterior from a file."""
    return read_posterior(json.loads(Path(path).read_text(encoding="utf-8")), str(path))


_SHIPPED = "shipped"
_current: ContextVar[Posterior | str | None] = ContextVar("posterior", default=_SHIPPED)


def current_posterior() -> Posterior | None:
    """The posterior in use: the packaged one unless :func:`using_posterior` says otherwise."""
    found = _current.get()
    return shipped_posterior() if isinstance(found, str) else found


@contextmanager
def using_posterior(posterior: Posterior | None) -> Iterator[None]:
    """Use another posterior, or with None the facts as published, inside a ``with``."""
    token = _current.set(posterior)
    try:
        yield
    finally:
        _current.reset(token)
