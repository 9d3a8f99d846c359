"""The study file: one published study, its arms and what was observed, as frozen pydantic models.

The models hold what one field says by itself; what joins fields, rows, arms, units and doses is
checked in ``_checks.py``; a file is read by ``_load.py``.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ketalab.studies._checks import (
    check_arm,
    check_assumption,
    check_order,
    check_outcome,
    check_spread,
    check_study,
)
from ketalab.studies._citation import CitationField
from ketalab.studies._terms import (
    MAX_ARMS,
    MAX_OUTCOMES,
    Average,
    Control,
    Count,
    DesignKind,
    Flag,
    Id,
    Kind,
    Masking,
    NotNegative,
    Number,
    Percent,
    Phrase,
    Positive,
    PValue,
    Quantity,
    Share,
    Sign,
    Site,
    Species,
    SpreadKind,
    Text,
    Use,
)


class Record(BaseModel):
    """Base of all parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Design(Record):
    """How the study was done; ``washout_h`` (h) is the time between the periods of a crossover."""

    kind: DesignKind
    washout_h: NotNegative | None = None
    masking: Masking = "not stated"
    sites: Annotated[int, Field(strict=True, ge=1)] | None = None
    setting: tuple[Text, ...] = ()
    allocation: Annotated[str, Field(strict=True, pattern=r"^\d+(:\d+)+$")] | None = None
    note: Text | None = None


class Age(Record):
    """Age in years."""

    mean: NotNegative | None = None
    sd: NotNegative | None = None
    range: tuple[NotNegative, NotNegative] | None = None


class Baseline(Record):
    """A score before treatment, of one arm or (``arm: null``) of everyone."""

    measure: Text
    mean: Number | None = None
    sd: NotNegative | None = None
    arm: Id | None = None
    n: Count | None = None
    unit: Text | None = None
    period: Text | None = None
    subgroup: Text | None = None
    verified: Flag = True
    source: Text | None = None


class Population(Record):
    """Who took part; ``n`` are those analysed, ``weight_kg`` and ``weight_sd`` in kg."""

    condition: Text
    n: Count | None = None
    age: Age | None = None
    female_percent: Percent | None = None
    weight_kg: Positive | None = None
    weight_sd: NotNegative | None = None
    baseline: tuple[Baseline, ...] = ()
    note: Text | None = None


class ArmPopulation(Record):
    """Who is in one arm, where that differs from the study's people: an age group, one sex."""

    age: Age | None = None
    female_percent: Percent | None = None
    weight_kg: Positive | None = None
    weight_sd: NotNegative | None = None


class Intervention(Record):
    """A knock-out, virus, light or local act: the target's activity is multiplied by ``factor``.

    A null factor is unknown; ``from_h`` and ``to_h`` (h) bound the act, else it holds throughout.
    """

    target: Text
    factor: NotNegative | None = None
    site: Literal["LHb", "mPFC", "systemic"] = "systemic"
    from_h: Number | None = None
    to_h: Number | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_order(self.from_h, self.to_h, "from_h")
        return self


class Arm(Record):
    """One arm. ``doses`` are phrases, given together from one t = 0.

    ``control`` says what a comparator arm got in place of the drug; it is null for an arm on a
    drug. A treatment that no phrase can say stands in ``unmodelled``, in words; ``unknown_dose``
    marks an arm whose drug was given in a dose, route or schedule that the source does not tell.
    """

    id: Id
    n: Count | None = None
    doses: tuple[Text, ...] = ()
    control: Control | None = None
    background: tuple[Text, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    first_period_n: Count | None = None
    population: ArmPopulation | None = None
    genotype: dict[Text, Text] = Field(default_factory=dict)
    unmodelled: tuple[Text, ...] = ()
    unknown_dose: Flag = False
    note: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_arm(self)
        return self


class Spread(Record):
    """A spread: one number for sd and se, ``[low, high]`` for intervals (one end may be null)."""

    kind: SpreadKind
    value: NotNegative | tuple[Number | None, Number | None]

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_spread(self)
        return self


class Outcome(Record):
    """One observed row: a number, a contrast, a direction or a statement.

    ``value`` of a proportion, fraction or bioavailability is a share between 0 and 1; of a change
    or score it is in points of the measure unless ``unit`` says otherwise; of a difference or smd
    it is ``arm`` minus ``than``; of a ``time_to_event`` it is a hazard ratio when ``than`` is
    named, else a median time in ``unit``. ``counted: false`` shows a row without counting it.
    ``average`` says what of the people a row of concentrations is; ``quantity`` what a ratio or a
    direction of concentrations compares, the area to infinity (or over ``window_h``) unless told.
    A statement's ``scenario`` is a phrase (empty: nothing given), with ``interventions``; it is
    compared with ``than_scenario`` and ``than_interventions``, else with nothing given, in people
    (or animals) of ``species``, else of the study's.
    """

    measure: Text
    kind: Kind
    id: Id | None = None
    arm: Id | None = None
    than: Id | None = None
    time_h: Number | None = None
    window_h: tuple[Number, Number] | None = None
    ever: Flag = False
    value: Number | None = None
    unit: Text | None = None
    spread: Spread | None = None
    n: Count | None = None
    events: Annotated[int, Field(strict=True, ge=0)] | None = None
    sign: Sign | None = None
    probability: Share | None = None
    scenario: Phrase | None = None
    than_scenario: Phrase | None = None
    interventions: tuple[Intervention, ...] = ()
    than_interventions: tuple[Intervention, ...] = ()
    species: Species | None = None
    output: Text | None = None
    analyte: Text | None = None
    site: Site | None = None
    salt: Literal["base", "hydrochloride"] | None = None
    measured: Literal["total", "enantiomer"] | None = None
    assay: Text | None = None
    quantity: Quantity | None = None
    average: Average = "mean"
    definition: Text | None = None
    subgroup: Text | None = None
    period: Text | None = None
    analysis: Text | None = None
    digitised: Flag = False
    p: PValue | None = None
    verified: Flag
    counted: Flag = True
    source: Text
    note: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_outcome(self)
        return self

    @property
    def observed(self) -> float | None:
        """The observed number: ``value``, else the share ``events / n``."""
        if self.value is None and self.events is not None and self.n:
            return self.events / self.n
        return self.value

    def published_se(self, n: int | None) -> float | None:
        """Standard error of the published mean of ``n`` people: from its interval, its error or its SD."""
        if self.spread is None:
            return None
        value = self.spread.value
        if isinstance(value, tuple):
            z = {"ci95": 1.96, "ci90": 1.645}.get(self.spread.kind)
            low, high = value
            return None if z is None or low is None or high is None else (high - low) / (2 * z)
        if self.spread.kind == "sd":
            return value / math.sqrt(n) if n else None
        return value


class Assumption(Record):
    """What the source did not say: the field, what replay uses in its place, and the range."""

    field: Text
    value: Text | Number | None = None
    unit: Text | None = None
    range: tuple[Number, Number] | tuple[Text, ...] | None = None
    why: Text

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_assumption(self)
        return self


class Study(Record):
    """A published study as one file: data and no code."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Id
    use: Use
    species: Species
    citation: CitationField
    design: Design
    population: Population
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=MAX_ARMS)]
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1, max_length=MAX_OUTCOMES)]
    assumed: tuple[Assumption, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_study(self)
        return self

    def baseline(self, measure: str, arm: str | None) -> Baseline | None:
        """The stated baseline of an arm, else of everyone; those of subgroups and periods are neither."""
        stated = [
            b
            for b in self.population.baseline
            if b.measure == measure and b.mean is not None and not (b.period or b.subgroup)
        ]
        mine = [b for b in stated if b.arm == arm] or [b for b in stated if b.arm is None]
        return mine[0] if mine else None

    def arm(self, name: str) -> Arm:
        """Return the arm of that id; raises ``KeyError``."""
        for arm in self.arms:
            if arm.id == name:
                return arm
        raise KeyError(name)
