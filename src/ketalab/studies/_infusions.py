"""Infusions in a record's words: steps, targets of a pump, a bolus and what follows it, a steady state."""

from __future__ import annotations

import re

from ketalab.studies._record import Row, number, text_of

__all__ = [
    "LENGTHS",
    "MASS",
    "NUMBER",
    "OVER",
    "minutes_of",
    "read_sequence",
    "read_steady",
    "read_steps",
    "read_targets",
    "say_span",
]

_I = re.IGNORECASE
NUMBER = r"\d+(?:\.\d+)?"
MASS = r"(?:ug|mcg|µg|μg|mg|g)"
_RATE_UNIT = rf"{MASS}(?:/kg)?/(?:min|h)"
OVER = re.compile(rf"(?:over|in|within|during) (?P<time>{NUMBER}) ?-?(?P<of>min|h|s)\w*", _I)
_MINUTES = {"s": 1 / 60, "min": 1.0, "h": 60.0, "d": 1440.0, "day": 1440.0}
#: Keys that hold a length, and their minutes.
LENGTHS = {"duration_min": 1.0, "infusion_min": 1.0, "infusion_duration_min": 1.0, "over_min": 1.0,
            "duration_h": 60.0, "infusion_h": 60.0, "infusion_duration_h": 60.0, "duration_s": 1 / 60,
            "infusion_s": 1 / 60}  # fmt: skip
_STEPS = re.compile(
    rf"(?P<rates>{NUMBER}(?:(?:,| and|;|/| then)+ ?{NUMBER})+) ?(?P<unit>{_RATE_UNIT})"
    rf",?(?: iv)?,? (?:for )?(?P<time>{NUMBER}) ?(?P<of>min|h)\w*(?: each)?",
    _I,
)
_TARGETS = re.compile(
    rf"(?P<targets>{NUMBER}(?:(?:,| and|;)+ ?{NUMBER})*) ?(?P<unit>(?:ng|ug|mcg|µg|mg)/m?L)", _I
)
_EACH = re.compile(rf"(?:for )?(?P<time>{NUMBER}) ?-?(?P<of>min|h)\w*(?: each|\b)", _I)
_CONTROLLED = re.compile(r"target|computer[- ]controlled|\bTCI\b|\bpump\b", _I)
_PUMPS = re.compile(r"\b(domino|clements|hijazi|kamp)\b", _I)
_PART = re.compile(
    rf"(?P<amount>{NUMBER}) ?(?P<unit>{MASS}(?:/kg)?(?:/(?:min|h))?)\b(?P<rest>.*)",
    _I | re.DOTALL,
)
_FOR = re.compile(rf"for (?P<time>{NUMBER}) ?-?(?P<of>min|h|day|d)\w*", _I)
_STEADY = re.compile(
    rf"infusion (?:of )?(?P<low>{NUMBER})(?:-(?P<high>{NUMBER}))? ?(?P<unit>{_RATE_UNIT})"
    rf".*(?:after|for) (?P<time>{NUMBER}) (?P<of>day|h)",
    _I,
)


def minutes_of(match: re.Match[str]) -> float:
    """The minutes that a match's ``time`` and unit (``of``) make."""
    return float(match["time"]) * _MINUTES[match["of"].lower()]


def say_span(minutes: float) -> str:
    """A length as a phrase says it: seconds below a minute, days and hours where they are whole."""
    if minutes < 1:
        return f"{minutes * 60:g} s"
    return f"{minutes / 60:g} h" if minutes > 1440 and minutes % 60 == 0 else f"{minutes:g} min"


def read_targets(
    arm_id: str, drug: str, treatment: Row, words: str, assumed: list[Row]
) -> list[str] | None:
    """Return the phrase of a target-controlled infusion; [] where it cannot be told, None for other treatments."""
    unit = text_of(treatment, "unit")
    by_unit = re.fullmatch(r"(?:ng|ug|mcg|µg|mg)/m?L", unit, _I) is not None
    if not by_unit and not (_CONTROLLED.search(words) and _TARGETS.search(words)):
        return None
    text = f"{words} {unit}" if by_unit and not _TARGETS.search(words) else words
    found = _TARGETS.search(text)
    if by_unit and found is None:
        dose = number(treatment, "dose")
        values, unit = ([f"{dose:g}"] if dose is not None else []), unit
    elif found is not None:
        values, unit = re.findall(NUMBER, found["targets"]), found["unit"]
        if re.match(r"\s*-\s*\d", text[found.end("targets") :]) or re.search(
            r"\d-$", text[: found.start()]
        ):
            return []  # a range of targets
    else:
        return []
    minutes = next((v for key in LENGTHS if (v := number(treatment, key)) is not None), None)
    if minutes is None and (match := _EACH.search(text, found.end() if found else 0)):
        minutes = minutes_of(match)
    if minutes is None or not values:
        return []
    pump = _PUMPS.search(words)
    if pump is None:
        why = "the set of constants in the pump is not told; the drug's usual one is taken"
        assumed.append({"field": f"arms.{arm_id}.pump", "value": "the usual set", "why": why})
    by = f" by {pump[1].lower()}" if pump else ""
    first, *later = values
    parts = [f"{first} {unit} {drug} iv for {say_span(minutes)}{by}"]
    return [", then ".join(parts + [f"{value} {unit} for {say_span(minutes)}" for value in later])]


def read_steps(drug: str, words: str) -> list[str]:
    found = _STEPS.search(words)
    if found is None:
        return []
    span = say_span(minutes_of(found))
    rates = re.findall(NUMBER, found["rates"])
    return [", then ".join(f"{rate} {found['unit']} {drug} iv for {span}" for rate in rates)]


def read_sequence(drug: str, treatment: Row) -> list[str]:
    """Return a bolus followed by an infusion, or infusions one after the other; [] for one dose or what is unclear."""
    route = text_of(treatment, "route")
    if route not in ("iv", "", "im", "sc"):
        return []
    words = (
        text_of(treatment, "regimen") or text_of(treatment, "form") or text_of(treatment, "dose")
    )
    parts = re.split(r",? (?:and )?then |,? followed by ", words)
    if len(parts) < 2:
        return []
    phrases = []
    for part in parts:
        found = _PART.search(re.sub(r"\(SD [^)]*\)", "", part))
        if found is None:
            return []
        dose = f"{found['amount']} {found['unit']} {drug} {route or 'iv'}"
        rate = "/min" in found["unit"] or found["unit"].endswith("/h")
        if rate:
            lasts = _FOR.search(found["rest"]) or OVER.search(found["rest"])
            if lasts is None:
                return []
            phrases.append(f"{dose} for {say_span(minutes_of(lasts))}")
        elif match := OVER.search(found["rest"]):
            phrases.append(f"{dose} over {say_span(minutes_of(match))}")
        else:
            phrases.append(f"{dose} bolus")
    return [", then ".join(phrases)]


def read_steady(arm_id: str, drug: str, words: str, assumed: list[Row]) -> list[str]:
    """Return a long infusion after which the state is said to be steady."""
    found = _STEADY.search(words)
    if found is None:
        return []
    rate = float(found["low"])
    if found["high"]:
        ends = [rate, float(found["high"])]
        rate = round(sum(ends) / 2, 6)
        why = "the rate is told as a range; its middle is taken"
        entry = {
            "field": f"arms.{arm_id}.doses",
            "value": f"{rate:g} {found['unit']}",
            "range": ends,
        }
        assumed.append(entry | {"why": why})
    return [f"{rate:g} {found['unit']} {drug} iv for {say_span(minutes_of(found))}"]
