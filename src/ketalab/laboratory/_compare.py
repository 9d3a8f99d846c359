"""Regimens side by side in the same virtual patients: exposure, its ratios within each person, risks beside effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import ScenarioError
from ketalab.facts import compounds, fact, facts
from ketalab.laboratory._model import OutputInfo, body_model, outputs, whom
from ketalab.laboratory._responses import Array, gather, respond_to_dose
from ketalab.laboratory._result import Result, plain, quantile
from ketalab.laboratory._run import BATCH
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory._simulate import simulate
from ketalab.laboratory._studied import FORMS, base_mg, warnings
from ketalab.laboratory._work import Progress
from ketalab.protocol import Administration

LEAST, MOST = 2, 6
#: What is compared unless asked otherwise; risks (``harm:``) always stand beside it.
DEFAULT_OUTPUTS = (
    "plasma:venous:ketamine",
    "plasma:venous:norketamine",
    "plasma:venous:hydroxynorketamine",
)
#: Units of concentration, and how many there are in one umol/L.
UNITS = {"ng/mL": None, "umol/L": 1.0, "nmol/L": 1000.0}
#: Figures that are concentrations, or areas under them.
_SCALED = ("cmax", "auc_0_inf", "auc_0_t")
_RATIOS = ("cmax", "auc_0_inf")
_BAND = {"median": 0.5, "p05": 0.05, "p95": 0.95}
#: A course is kept at so many times in its first day, closer at first, and at as many after it.
_DAY, _TIMES_A_PART = 24.0, 60


@dataclass(frozen=True)
class Compared:
    """One regimen: its result, its letter, its bioavailability (typical, median, p05, p95) and what is to be said."""

    letter: str
    result: Result
    f: dict[str, float | None] | None
    warnings: tuple[str, ...]

    @property
    def phrase(self) -> str:
        """What is given."""
        return self.result.scenario.phrase


@dataclass(frozen=True)
class Comparison:
    """Two to six regimens in the same patients; concentrations are given in ``unit``."""

    regimens: tuple[Compared, ...]
    unit: str

    @property
    def outputs(self) -> tuple[OutputInfo, ...]:
        """What is compared; units are those of the model, :meth:`unit_of` tells those given."""
        return self.regimens[0].result.outputs

    def factor(self, info: OutputInfo) -> float:
        """What turns the model's values of an output into those given."""
        return concentration_factor(info.name, self.unit) if _is_concentration(info) else 1.0

    def unit_of(self, info: OutputInfo) -> str:
        """The unit in which an output is given."""
        return self.unit if _is_concentration(info) else info.unit

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of any of the regimens, each line once."""
        return tuple(dict.fromkeys(line for r in self.regimens for line in r.warnings))

    def figures(self, regimen: Compared, info: OutputInfo) -> dict[str, dict[str, Any]]:
        """Typical, median, p05 and p95 of the figures of an output, in the unit given."""
        row = next(r for r in regimen.result.summary() if r["name"] == info.name)
        factor = self.factor(info)
        return {
            kind: {
                name: value * factor if name in _SCALED and value is not None else value
                for name, value in row[kind].items()
            }
            for kind in ("typical", *_BAND)
        }

    def ratio(self, regimen: Compared, info: OutputInfo) -> dict[str, dict[str, float | None]]:
        """Peak and area over those of the first regimen within each person: typical, median, p05, p95."""
        if not _is_concentration(info):
            return {}
        first, own = self.regimens[0].result, regimen.result
        made = {}
        for name in _RATIOS:
            with np.errstate(divide="ignore", invalid="ignore"):
                each = own.figures[info.name][name] / first.figures[info.name][name]
                typical = np.float64(own.typical_figures[info.name][name]) / np.float64(
                    first.typical_figures[info.name][name]
                )
            made[name] = _band(np.where(np.isfinite(each), each, np.nan), typical)
        return made

    def course(self, regimen: Compared, info: OutputInfo) -> tuple[Array, Array, Array]:
        """5th, 50th and 95th percentile of an output (T,) at the times of the result, in the unit given."""
        values = regimen.result.values[info.name] * self.factor(info)
        low, middle, high = (quantile(values, q, axis=1) for q in (0.05, 0.5, 0.95))
        return low, middle, high

    def document(self) -> dict[str, Any]:
        """The whole comparison as plain values."""
        first = self.regimens[0].result.scenario
        rows = []
        for regimen in self.regimens:
            result = regimen.result
            course = {}
            for info in self.outputs:
                bands = self.course(regimen, info)
                course[info.name] = {
                    name: [plain(x) for x in band]
                    for name, band in zip(("p05", "median", "p95"), bands, strict=True)
                }
            rows.append(
                {
                    "id": regimen.letter,
                    "phrase": regimen.phrase,
                    "hash": result.scenario.hash(),
                    "failed": len(result.failed),
                    "check": result.check.to_dict(),
                    "bioavailability": regimen.f,
                    "warnings": list(regimen.warnings),
                    "outputs": [
                        {
                            "name": info.name,
                            "unit": self.unit_of(info),
                            "layer": info.layer,
                            "grade": info.grade,
                            **self.figures(regimen, info),
                            "ratio_to_first": self.ratio(regimen, info),
                        }
                        for info in self.outputs
                    ],
                    "course": {"time_h": [plain(t) for t in result.times], "values": course},
                }
            )
        return {
            "schema": 1,
            "seed": first.seed,
            "patients": first.patients,
            "days": first.days,
            "unit": self.unit,
            "regimens": rows,
            "warnings": list(self.warnings),
        }


def _is_concentration(info: OutputInfo) -> bool:
    return info.measure == "concentration"


def _band(values: Array, typical: float) -> dict[str, float | None]:
    return {
        "typical": plain(typical),
        **{name: plain(quantile(values, q)) for name, q in _BAND.items()},
    }


def concentration_factor(name: str, unit: str) -> float:
    """What turns ng/mL of the analyte of an output into a unit: 1, or one over its molar mass.

    Raises
    ------
    ScenarioError
        An unknown unit, or an analyte whose molar mass is not on record.
    """
    if unit not in UNITS:
        raise ScenarioError(f"unit: {unit!r} is not allowed; allowed: {', '.join(UNITS)}", unit)
    count = UNITS[unit]
    if count is None:
        return 1.0
    analyte = name.rpartition(":")[2]
    plain_name = analyte[2:] if analyte[:2] in ("S-", "R-") else analyte
    mass = f"{plain_name}_molar_mass"
    for compound in compounds().values():
        if plain_name in (compound.id, *compound.metabolites):
            mass = compound.metabolites.get(plain_name) or compound.molar_mass or mass
    if mass not in facts():
        raise ScenarioError(
            f"unit: {unit!r} of {name!r}: no molar mass is on record; allowed: ng/mL", unit
        )
    return count / fact(mass).to("g/mol")


def course_times(days: float) -> tuple[float, ...]:
    """Hours at which courses are kept: close together in the first hours of the first day, then evenly."""
    end = days * 24
    day = min(end, _DAY)
    early = day * np.linspace(0.0, 1.0, _TIMES_A_PART + 1) ** 2
    late = np.linspace(day, end, _TIMES_A_PART + 1) if end > day else early[-1:]
    return tuple(float(f"{t:.9g}") for t in np.unique(np.concatenate([early, late])))


def compare(
    scenarios: Sequence[Scenario], *, unit: str = "ng/mL", progress: Progress | None = None
) -> Comparison:
    """Simulate two to six regimens in the same virtual patients.

    Scenarios may differ in what is given alone. Without outputs of their own they are compared in
    :data:`DEFAULT_OUTPUTS`; risks always stand beside, so far as there is a model of them for these people.

    Raises
    ------
    ScenarioError
        Fewer or more regimens, other people, an unknown unit, or what :func:`simulate` refuses.
    """
    if not LEAST <= len(scenarios) <= MOST:
        raise ScenarioError(
            f"compare: {len(scenarios)} regimen{'s' * (len(scenarios) != 1)}; "
            f"allowed: {LEAST} to {MOST}"
        )
    first = scenarios[0]
    for scenario in scenarios[1:]:
        if scenario.replace(phrase=first.phrase, with_phrase=first.with_phrase) != first:
            raise ScenarioError(
                "compare: the regimens differ in more than what is given; allowed: the same people, days, outputs "
                "and seed"
            )
    offered = outputs(whom(first))
    asked = first.outputs or DEFAULT_OUTPUTS
    harms = tuple(name for name in offered if name.startswith("harm:"))
    names = tuple(dict.fromkeys([*asked, *harms]))
    for name in names:
        if name in offered and _is_concentration(offered[name]):
            concentration_factor(name, unit)
    times = first.times or course_times(first.days)
    made = []
    for number, scenario in enumerate(scenarios):
        told = _part(progress, number, len(scenarios))
        result = simulate(scenario.replace(outputs=names, times=times), progress=told)
        letter = chr(ord("A") + number)
        made.append(
            Compared(letter, result, bioavailability_of(scenario), tuple(warnings(scenario)))
        )
    return Comparison(tuple(made), unit)


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """A listener for one regimen out of several."""
    if progress is None:
        return None
    listener = progress

    def tell(done: float, total: int) -> None:
        listener(number * total + done, count * total)

    return tell


def bioavailability_of(scenario: Scenario) -> dict[str, float | None] | None:
    """Area of ketamine in venous plasma over that of the same doses into a vein, within each person.

    None where something else than forms of ketamine is given, where nothing is, or where doses are a mix. The body is
    linear, so when a dose is given does not matter.
    """
    variants = scenario.treatment().variants
    doses = [dose for variant in variants for dose in variant.administrations if dose.amount > 0]
    if len(variants) != 1 or not doses or any(dose.compound not in FORMS for dose in doses):
        return None
    kinds: dict[Administration, int] = {}
    for dose in doses:
        kind = Administration(
            0.0, dose.amount, dose.per_kg, 0.0, dose.compound, dose.salt, dose.route, dose.device,
            dose.hold_h,
        )  # fmt: skip
        kinds[kind] = kinds.get(kind, 0) + 1
    name, model = DEFAULT_OUTPUTS[0], body_model(scenario.species)
    each, typical = np.empty(scenario.patients), np.nan
    for begin in range(0, scenario.patients, BATCH):
        count = min(BATCH, scenario.patients - begin)
        group = gather(
            model,
            scenario.population,
            scenario.seed,
            count,
            begin,
            uncertain=scenario.uncertainty,
        )
        given: NDArray[np.float64] = np.zeros(group.count)
        vein: NDArray[np.float64] = np.zeros(group.count)
        for kind, repeats in kinds.items():
            milligrams = np.array([base_mg(kind, weight) for weight in group.weights])
            into_vein = Administration(0.0, 1.0, False, 0.0, kind.compound)
            given += repeats * respond_to_dose(group, kind, name).auc(milligrams)
            vein += repeats * respond_to_dose(group, into_vein, name).auc(milligrams)
        each[begin : begin + count] = (given / vein)[:-1]
        if begin == 0:
            typical = float((given / vein)[-1])
    return _band(each, typical)
