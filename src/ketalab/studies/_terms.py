"""The words and numbers that a study file may hold: closed lists, limits, and checked types."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

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
#: A dosing phrase, or nothing given.
Phrase = Annotated[str, Field(strict=True, max_length=2000)]
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
Quantity = Literal["concentration", "cmax", "tmax", "auc", "half_life", "bioavailability"]
Average = Literal["mean", "median", "geometric"]
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
