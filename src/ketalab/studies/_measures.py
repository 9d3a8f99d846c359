"""Measures of a record to ids of a study file: scales, responses, and what else the words say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ketalab.studies._record import EvidenceRecord, text_of
from ketalab.studies._vocabulary import (
    ACUTE_SCALES,
    ANALYSES,
    DEPRESSION_SCALES,
    MEASURES,
    SCALES,
    SEVERAL,
    Measure,
)

__all__ = ["Reading", "find_scale", "primary_scale", "read_event", "read_measure", "read_measures"]

_EVENTS = (
    ("remission", re.compile(r"remission", re.IGNORECASE)),
    ("relapse", re.compile(r"\brelapse\b", re.IGNORECASE)),
    ("response", re.compile(r"\bresponse\b|>= ?\d+ ?%", re.IGNORECASE)),
)
_EVER = re.compile(r"at (?:any time|some point)", re.IGNORECASE)
_ITEM = re.compile(r"\bitem \d+\b|\bsuicide item\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A measure's id, the sign of relief, and fields that its words also fill."""

    id: str
    benefit: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    ever: bool = False


def find_scale(text: str, primary: str | None = None) -> str | None:
    """Return the first rating scale in a text; a bare HDRS is the primary scale's version."""
    found: list[tuple[int, str]] = []
    for pattern, name in SCALES:
        for match in pattern.finditer(text):
            items = match[1] if pattern.groups and match[1] else ""
            found.append((match.start(), f"{name}{items}"))
    if not found:
        return None
    scale = min(found)[1]
    if scale == "HDRS" and primary and primary.startswith("HDRS"):
        return primary
    return scale


def primary_scale(record: EvidenceRecord) -> str | None:
    """Return the record's first depression scale, in its baselines, measures or definitions."""
    texts = [text_of(row, "measure") for row in record.baseline]
    texts += [text_of(row, "measure") for row in record.rows]
    texts += [text_of(row, "definition") for row in record.rows]
    texts.append(text_of(record.population, "condition", "notes"))
    for text in texts:
        scale = find_scale(text)
        if scale and scale.startswith(DEPRESSION_SCALES) and not _ITEM.search(text):
            return scale
    return None


def _other_words(text: str) -> tuple[str, dict[str, str]]:
    """Take the words that name an analysis, a subgroup or a period out of a measure's text."""
    fields: dict[str, str] = {}
    text = text.replace("_", " ")
    for pattern, name in ANALYSES:
        if (match := pattern.search(text)) and name not in fields:
            fields[name] = match[0]
            text = text.replace(match[0], " ")
    return " ".join(text.split()).strip(" ,"), fields


def read_measure(text: str, primary: str | None) -> Reading:
    """Read a measure that is no event: a scale, a known measure, else its own words."""
    rest, fields = _other_words(text)
    for pattern, measure in MEASURES:
        if pattern.search(rest):
            return Reading(measure.id, measure.benefit, _with_words(fields, rest, measure))
    scale = find_scale(rest, primary)
    if scale is None or re.search(r"[;/]", rest.replace("MOAA/S", "")) or " vs " in rest:
        return Reading(rest or text, 0, fields)
    item = _ITEM.search(rest)
    benefit = 0 if scale in ACUTE_SCALES else -1
    name = f"{scale} {item[0]}" if item else scale
    return Reading(name, benefit, _with_words(fields, rest, Measure(name, benefit), scale))


#: What stands between the measures of one row.
_BETWEEN = re.compile(r" / |, and | and |, |/")


def read_measures(text: str, primary: str | None) -> list[Reading]:
    """Read a measure that may name several outputs: one reading each, in their order, without repeats."""
    rest, fields = _other_words(text)
    fields = fields | {"definition": rest}
    for pattern, names in SEVERAL:
        if pattern.search(rest):
            return [Reading(name, 0, fields) for name in names]
    parts = [_known(part) for part in _BETWEEN.split(rest)]
    found = {part.id: part for part in parts if part is not None}
    if len(parts) > 1 and None not in parts:
        return [Reading(one.id, one.benefit, fields) for one in found.values()]
    return [read_measure(text, primary)]


def _known(part: str) -> Measure | None:
    return next((m for pattern, m in MEASURES if ":" in m.id and pattern.search(part)), None)


def _with_words(
    fields: dict[str, str], rest: str, measure: Measure, scale: str = ""
) -> dict[str, str]:
    """Keep the record's own words as the definition where the id does not say them all."""
    plain = re.sub(r"[\s-]", "", rest).lower()
    if plain in {re.sub(r"[\s-]", "", name).lower() for name in (measure.id, scale)}:
        return fields
    if any(pattern.fullmatch(rest) for pattern, _ in SCALES):
        return fields
    return fields | {"definition": rest}


def read_event(text: str, definition: str, primary: str | None) -> Reading | None:
    """Read a response, remission or relapse with its scale; None where no such event is named."""
    rest, fields = _other_words(text)
    event = next((name for name, pattern in _EVENTS if pattern.search(rest)), None)
    if event is None:
        return None
    benefit = -1 if event == "relapse" else +1
    scale = find_scale(rest, primary) or find_scale(definition, primary)
    rule = re.search(r"(?:<=|>=|>) ?\d+ ?%?", rest)
    known = ("response", "remission", "relapse")
    plain = _EVER.sub("", re.sub("|".join(known), "", rest, flags=re.IGNORECASE))
    other = re.sub(r"[\W_]|\d", "", re.sub(r"\bat$", "", plain.strip()))
    name = f"{event}:{scale}" if scale else event
    if definition:
        fields["definition"] = definition
    elif rule or (other and not scale):
        fields["definition"] = rest
    ever = bool(_EVER.search(f"{rest} {definition}"))
    return Reading(name, benefit, fields, ever)
