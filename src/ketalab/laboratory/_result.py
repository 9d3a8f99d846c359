"""What a simulation gives back: labelled arrays, a summary, references, files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ketalab._files import atomic_path, check_target, write_text
from ketalab.errors import OutputError
from ketalab.facts import citations, fact, harms_to_watch, thin_harms
from ketalab.laboratory._guard import TYPICAL, Check, by_number
from ketalab.laboratory._measures import CONCENTRATION, REPORT_HOURS
from ketalab.laboratory._model import OutputInfo
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory._timeline import DEPTHS, KINDS, timeline

if TYPE_CHECKING:
    import polars
    import xarray

Array = NDArray[np.float64]
SUMMARY = ("typical", "median", "p05", "p95")
_QUANTILES = {"median": 0.5, "p05": 0.05, "p95": 0.95}
FORMATS = (".parquet", ".csv", ".nc", ".json")


@dataclass(frozen=True)
class Result:
    """One simulated scenario.

    ``values[name]`` (T, N) at ``times``, ``typical[name]`` (T,); ``figures[name]`` holds the figures of each
    patient (N,), ``typical_figures`` those of the typical one; ``check`` tells how large the error is;
    ``failed`` gives the reason of each patient who has no solution and is NaN, ``typical_failed`` that of the
    typical one.
    """

    scenario: Scenario
    outputs: tuple[OutputInfo, ...]
    times: Array
    values: Mapping[str, Array]
    typical: Mapping[str, Array]
    figures: Mapping[str, Mapping[str, Array]]
    typical_figures: Mapping[str, Mapping[str, float]]
    facts: tuple[str, ...]
    check: Check = field(default_factory=Check)
    failed: Mapping[int, str] = field(default_factory=dict)
    typical_failed: str | None = None

    @property
    def statuses(self) -> dict[str, str]:
        """Why patients failed, by number; *typical* is the typical one. Empty where nobody did."""
        typical = {} if self.typical_failed is None else {TYPICAL: self.typical_failed}
        return by_number({**typical, **self.failed})

    @cached_property
    def dataset(self) -> xarray.Dataset:
        """Courses with dims (replicate, arm, person, time); units and meanings in attrs."""
        import xarray

        variables = {
            info.name: (
                ("replicate", "arm", "person", "time"),
                self.values[info.name].T[None, None],
                {"units": info.unit, "long_name": info.meaning, "grade": info.grade},
            )
            for info in self.outputs
        }
        coordinates: dict[str, Any] = {
            "replicate": [0],
            "arm": ["arm"],
            "person": np.arange(self.scenario.patients),
            "time": ("time", self.times, {"units": "h"}),
        }
        attrs = {
            "scenario": json.dumps(self.scenario.to_dict(), sort_keys=True),
            "hash": self.scenario.hash(),
            "facts": list(self.facts),
            "check": json.dumps(self.check.to_dict()),
            "statuses": json.dumps(self.statuses),
        }
        return xarray.Dataset(variables, coordinates, attrs)

    def frame(self) -> polars.DataFrame:
        """The courses as a long table: person, time_h, output, unit, value."""
        import polars

        n, count = self.scenario.patients, len(self.times)
        return polars.concat(
            polars.DataFrame(
                {
                    "person": np.repeat(np.arange(n), count),
                    "time_h": np.tile(self.times, n),
                    "output": [info.name] * (n * count),
                    "unit": [info.unit] * (n * count),
                    "value": self.values[info.name].T.ravel(),
                }
            )
            for info in self.outputs
        )

    def summary(self) -> list[dict[str, Any]]:
        """For each output its typical, median, 5th and 95th percentile figures."""
        rows = []
        for info in self.outputs:
            row: dict[str, Any] = {
                "name": info.name,
                "unit": info.unit,
                "layer": info.layer,
                "grade": info.grade,
            }
            for kind in SUMMARY:
                row[kind] = self._figures(info, kind)
            rows.append(row)
        return rows

    def _figures(self, info: OutputInfo, kind: str) -> dict[str, Any]:
        def one(name: str) -> float | None:
            if kind == "typical":
                return plain(self.typical_figures[info.name][name])
            return plain(quantile(self.figures[info.name][name], _QUANTILES[kind]))

        if info.measure == "concentration":
            return {name: one(name) for name in CONCENTRATION}
        at = {str(h): one(f"at {h}") for h in REPORT_HOURS if f"at {h}" in self.figures[info.name]}
        return {"peak": one("peak"), "time_of_peak_h": one("time_of_peak_h"), "at": at}

    def timeline(self) -> list[dict[str, Any]]:
        """States in the order in which they begin: what, from when to when, how strong, in what share, and the grade.

        Of the states whose outputs are in the result; see :mod:`ketalab.laboratory._timeline`.
        """
        spelled = {n: f for n, f in self.figures.items() if "from_h" in f}
        strengths = {kind.strength for kind in KINDS if kind.output in spelled}
        peaks = {n: f["peak"] for n, f in self.figures.items() if n in strengths and "peak" in f}
        grades = {info.name: info.grade for info in self.outputs}
        units = {info.name: info.unit for info in self.outputs}
        return timeline(spelled, peaks, grades, units)

    def deepest(self) -> dict[str, float] | None:
        """How likely each state is the deepest that a patient comes to: four probabilities that sum to one.

        None where not all four (``p:ordinary``, ``p:dissociated``, ``p:khole``, ``p:unresponsive``) are in the result.
        """
        shares = {name: self.figures.get(f"p:{name}", {}).get("deepest") for name in DEPTHS}
        known = {
            name: float(np.nanmean(share)) for name, share in shares.items() if share is not None
        }
        return known if len(known) == len(DEPTHS) else None

    def too_thin(self) -> list[dict[str, Any]]:
        """Harms of people for which data are too thin for a number: those asked for, or all where nothing was.

        Those to watch for in people of the scenario's condition are among them whatever was asked.
        """
        if self.scenario.species != "human":
            return []
        known, asked = thin_harms(), self.scenario.outputs
        watched = harms_to_watch(self.scenario.population.differs_by)
        return [
            known[name].document()
            for name in known
            if name in asked or name in watched or not asked
        ]

    def course(self) -> dict[str, Any]:
        """The courses at the asked times: typical, 5th, 50th and 95th percentile."""
        values = {}
        for info in self.outputs:
            # Hour by hour: the courses of many patients need not be in memory.
            band: dict[str, list[float | None]] = {k: [] for k in ("p05", "median", "p95")}
            for row in self.values[info.name]:
                for kind, found in band.items():
                    found.append(plain(quantile(row, _QUANTILES[kind])))
            values[info.name] = {
                "typical": [plain(x) for x in self.typical[info.name]],
                **band,
            }
        return {"time_h": [plain(t) for t in self.times], "values": values}

    def head(self) -> dict[str, Any]:
        """What was run, without what came out."""
        return {
            "schema": 1,
            "scenario": self.scenario.to_dict(),
            "hash": self.scenario.hash(),
            "seed": self.scenario.seed,
            "engine": self.scenario.solver,
            "patients": self.scenario.patients,
            "failed": len(self.failed),
            "facts": list(self.facts),
            "check": self.check.to_dict(),
            "statuses": self.statuses,
        }

    def document(self) -> dict[str, Any]:
        """The whole result as one JSON document."""
        document = {**self.head(), "outputs": self.summary()}
        if thin := self.too_thin():
            document["too_thin"] = thin
        if rows := self.timeline():
            document["timeline"] = rows
        if (depth := self.deepest()) is not None:
            document["deepest"] = depth
        if self.scenario.times:
            document["course"] = self.course()
        return document

    def _write_parquet(self, path: Path, part: Path) -> None:
        import polars

        try:
            self.frame().write_parquet(part, compression="zstd")
        except polars.exceptions.ComputeError as error:
            raise OutputError(f"{path}: cannot be written: {error}") from None

    def cite(self) -> list[dict[str, Any]]:
        """References of the facts that the run used, as CSL-JSON."""
        return references(self.facts)

    def save(self, path: Path | str) -> Path:
        """Write the courses (``.parquet``, ``.csv``, ``.nc``) or the whole document (``.json``) atomically.

        Beside a ``.csv`` or ``.parquet`` a ``.meta.json`` keeps scenario, units and facts.

        Raises
        ------
        OutputError
            An unknown ending or a place that cannot be written.
        """
        path = Path(path)
        check_writable(path)
        if path.suffix == ".json":
            write_text(path, json.dumps(self.document(), indent=1) + "\n")
            return path
        with atomic_path(path) as part:
            if path.suffix == ".nc":
                # By way of the memory: the library does not survive a disk that is full.
                part.write_bytes(self.dataset.to_netcdf(engine="h5netcdf", invalid_netcdf=False))
            elif path.suffix == ".csv":
                self.frame().write_csv(part)
            else:
                self._write_parquet(path, part)
        if path.suffix != ".nc":
            meta = {**self.head(), "units": {info.name: info.unit for info in self.outputs}}
            write_text(
                path.with_suffix(path.suffix + ".meta.json"), json.dumps(meta, indent=1) + "\n"
            )
        return path


def check_writable(path: Path) -> None:
    """Refuse, before any work, a place where :meth:`Result.save` could not write."""
    check_target(path, FORMATS)


def references(facts: tuple[str, ...] | list[str]) -> list[dict[str, Any]]:
    """CSL-JSON of everything that the facts cite, sorted by key, without repeats."""
    keys = sorted({c for name in facts if (c := fact(name).citation) is not None})
    return [citations()[key] for key in keys]


def plain(value: float) -> float | None:
    """A JSON number, or None where there is none."""
    number = float(value)
    return number if math.isfinite(number) else None


def quantile(values: Array, q: float, axis: int | None = None) -> Any:
    """Quantile over patients without those that have no value; NaN where nobody has one."""
    if not np.isnan(values).any():
        return np.quantile(values, q, axis=axis)
    nobody: Any = np.all(np.isnan(values), axis=axis, keepdims=True)
    result = np.nanquantile(np.where(nobody, 0.0, values), q, axis=axis)
    return np.where(nobody.all(axis=axis), np.nan, result)
