"""The study file: one published study, its arms and what was observed, as frozen pydantic models.

The models hold what one field says by itself; what joins fields, rows, arms, units and doses is
checked in ``_checks.py``; a file is read by ``_load.py``.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ketalab.studies._checks import (
    check_arm,
    check_assumption,
    check_outcome,
    check_spread,
    check_study,
    check_times,
)
from ketalab.studies._citation import CitationField

#: One hundred arms and five thousand rows are far above any honest study, and stop a runaway file.
MAX_ARMS = 100
MAX_OUTCOMES = 5000

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
NotNegative = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)]
Percent = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=100)]
Share = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
Count = Annotated[int, Field(strict=True, ge=1)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Flag = Annotated[bool, Field(strict=True)]
#: Names a study, an arm or a row; safe as a file's name and on a command line.
Id = Annotated[str, Field(strict=True, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]

Use = Literal["build", "calibrate", "validate"]
Species = Literal["human", "rat", "mouse", "in_vitro"]
DesignKind = Literal[
    "crossover",
    "parallel",
    "single-arm",
    "withdrawal",
    "escalation",
    "pooled",
    "experiment",
    "pharmacokinetic",
    "review",
]
Masking = Literal["open", "single-blind", "double-blind", "triple-blind", "not stated"]
Control = Literal[
    "saline",
    "midazolam",
    "placebo-spray",
    "open",
    "masked-anaesthesia",
    "sham",
    "none",
]
Kind = Literal[
    "change",
    "score",
    "difference",
    "smd",
    "proportion",
    "risk_ratio",
    "odds_ratio",
    "time_to_event",
    "concentration",
    "cmax",
    "tmax",
    "auc",
    "half_life",
    "bioavailability",
    "ratio",
    "fraction",
    "band_power",
    "direction",
    "statement",
]
SpreadKind = Literal["sd", "se", "ci95", "ci90", "range", "iqr"]
Site = Literal["venous", "arterial", "capillary", "effect", "brain", "csf"]
#: The word that stands, in a row, for all arms of the study together.
ALL_ARMS = "all"

KINDS: tuple[str, ...] = get_args(Kind)
SPREAD_KINDS: tuple[str, ...] = get_args(SpreadKind)
CONTROLS: tuple[str, ...] = get_args(Control)
USES: tuple[str, ...] = get_args(Use)


def _zero_as_text(value: object) -> object:
    """YAML reads a bare ``0`` as a number; the sign 0 is a word."""
    return "0" if isinstance(value, int) and not isinstance(value, bool) and value == 0 else value


def _number_as_text(value: object) -> object:
    """A p-value is kept as it was printed, number or bound."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Sign = Annotated[
    Literal["+", "-", "0"],
    BeforeValidator(_zero_as_text, json_schema_input_type=Literal["+", "-", "0", 0]),
]
PValue = Annotated[Text, BeforeValidator(_number_as_text, json_schema_input_type=str | float)]


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
        check_times(self.from_h, self.to_h, "from_h")
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
    scenario: Text | None = None
    output: Text | None = None
    analyte: Text | None = None
    site: Site | None = None
    salt: Literal["base", "hydrochloride"] | None = None
    measured: Literal["total", "enantiomer"] | None = None
    assay: Text | None = None
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

    def arm(self, name: str) -> Arm:
        """Return the arm of that id; raises ``KeyError``."""
        for arm in self.arms:
            if arm.id == name:
                return arm
        raise KeyError(name)
