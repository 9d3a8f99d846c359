"""Evidence records to study files: every row expressed, or listed with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ketalab._problems import first_problem
from ketalab.errors import StudyError
from ketalab.studies._assumed import assume, drop_replaced, name_version
from ketalab.studies._checks import row_key
from ketalab.studies._context import Context
from ketalab.studies._directions import convert_words
from ketalab.studies._head import read_arms, read_citation, read_design, read_population
from ketalab.studies._load import parse_study
from ketalab.studies._measures import primary_scale
from ketalab.studies._pk import convert_concentrations
from ketalab.studies._readings import adjust_metric, apply_head, hand_reading, readings
from ketalab.studies._record import EvidenceRecord, Row, number, read_records, text_of
from ketalab.studies._rows import Converted, convert_claim, convert_number
from ketalab.studies._schema import Outcome, Study
from ketalab.studies._split import split, use_of
from ketalab.studies._untold import fill_factors

__all__ = ["Conversion", "convert_records", "join_conversions"]

#: Kinds of an outcome whose words, not numbers, are read.
_WORDED = ("direction", "contrast", "qualitative", "superiority", "adverse_event", "dose_response")


@dataclass(frozen=True)
class Conversion:
    """What became of evidence records.

    ``decisions`` are records ``{record, row, decision}``, ``not_expressed`` ``{record, row,
    reason}``; ``row`` is the number of the outcome (from 0), ``metrics.0.cmax``, ``profiles.0``, or
    null where the decision or reason is about the whole record. ``counts`` holds, by file name,
    ``records, studies, given, expressed, not_expressed, study_rows, derived, verified``: rows given
    are expressed or not; study rows are those written, derived and verified ones among them.
    """

    studies: tuple[Study, ...]
    decisions: tuple[Row, ...]
    not_expressed: tuple[Row, ...]
    counts: dict[str, dict[str, int]]


@dataclass
class _Result:
    """One record's outcome of the conversion."""

    study: Study | None
    given: int
    not_expressed: list[Row]
    decisions: list[Row]
    expressed: int = 0
    derived: int = 0


def convert_records(path: Path | str) -> Conversion:
    """Convert a file of evidence records (one record, or a list).

    A row given is one outcome of a trial or experiment, one value of a metric or one profile of a
    concentration record, and a whole parameter record.

    Raises
    ------
    StudyError
        A record without the shape of a record; one line that names the record and the field.
    InputError
        The file is missing, not YAML, or too large.
    """
    results = [_convert(record, str(path)) for record in read_records(path)]
    studies = tuple(result.study for result in results if result.study is not None)
    not_expressed = tuple(row for result in results for row in result.not_expressed)
    given = sum(result.given for result in results)
    rows = [row for study in studies for row in study.outcomes]
    counts = {
        "records": len(results),
        "studies": len(studies),
        "given": given,
        "expressed": sum(result.expressed for result in results),
        "not_expressed": len(not_expressed),
        "study_rows": len(rows),
        "derived": sum(result.derived for result in results),
        "verified": sum(row.verified for row in rows),
    }
    decisions = tuple(row for result in results for row in result.decisions)
    return Conversion(studies, decisions, not_expressed, {Path(path).name: counts})


def join_conversions(conversions: list[Conversion]) -> Conversion:
    """Join the conversions of several files; raises StudyError where two have a study of one id."""
    studies = tuple(study for one in conversions for study in one.studies)
    ids = [study.id for study in studies]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise StudyError(f"{', '.join(twice)}: a study of this id in two files")
    return Conversion(
        studies=tuple(sorted(studies, key=lambda study: study.id)),
        decisions=tuple(row for one in conversions for row in one.decisions),
        not_expressed=tuple(row for one in conversions for row in one.not_expressed),
        counts={name: count for one in conversions for name, count in one.counts.items()},
    )


def _convert(record: EvidenceRecord, where: str) -> _Result:
    if record.outcomes is None and record.metrics is None and record.profiles is None:
        reason = "a pooled or parameter record, not a study"
        return _Result(None, 1, [{"record": record.id, "row": None, "reason": reason}], [])
    ctx = Context(record, primary=primary_scale(record))
    if record.outcomes is not None:
        return _trial(ctx, where)
    return _concentrations(ctx, where)


# --- trials and experiments -----------------------------------------------------------------------


def _trial(ctx: Context, where: str) -> _Result:
    record = ctx.record
    assumed = read_arms(record, ctx)
    head: Row = {
        "design": read_design(record, ctx.decide),
        "population": read_population(record, ctx),
    }
    apply_head(ctx, head)
    fill_factors(ctx)
    results = [(index, _outcome(ctx, index, row)) for index, row in enumerate(record.rows)]
    derived = readings().get(record.id, {}).get("derived", [])
    for row in derived:
        ctx.decide(f"a row added: {row['why']}")
    extra = [{key: value for key, value in row.items() if key != "why"} for row in derived]
    by_hand = readings().get(record.id, {})
    assumed = drop_replaced(ctx, by_hand, assumed + ctx.assumed)
    assumed += by_hand.get("assumed", [])
    return _assemble(ctx, where, head, results, assumed, extra)


def _outcome(ctx: Context, index: int, row: Row) -> Converted:
    by_hand = hand_reading(ctx, index, row)
    if by_hand is not None:
        return by_hand
    kind = text_of(row, "kind")
    told = row.get("scenario") is not None and all(text_of(row, key) for key in ("output", "sign"))
    if kind in ("claim", "statement") and told:
        return convert_claim(row)
    worded = kind in _WORDED or (text_of(row, "direction") and kind not in ("claim", "correlation"))
    no_number = all(number(row, key) is None for key in ("mean", "percent"))
    if worded and no_number:
        return convert_words(ctx, index, row)
    return convert_number(ctx, index, row)


# --- concentrations -------------------------------------------------------------------------------


def _concentrations(ctx: Context, where: str) -> _Result:
    record = ctx.record
    results, assumed = convert_concentrations(ctx)
    results = [
        (label, adjust_metric(ctx, label, rows) if isinstance(rows, list) else rows)
        for label, rows in results
    ]
    assumed += readings().get(record.id, {}).get("assumed", [])
    design = {"kind": "pharmacokinetic"}
    note = text_of(record.extra, "read_in", "digitisation_error")
    if note:
        design["note"] = note
    head = {"design": design, "population": read_population(record, ctx)}
    _told_of_people(record, head["population"])
    if record.notes:
        said = head["population"].get("note", "")
        head["population"]["note"] = "; ".join(filter(None, (said, record.notes)))
    apply_head(ctx, head)
    if "weight assumed" in text_of(record.population, "notes"):
        why = "the weight was assumed where the curves were digitised"
        value = head["population"].get("weight_kg")
        assumed.append({"field": "population.weight_kg", "value": value, "unit": "kg", "why": why})
    return _assemble(ctx, where, head, results, assumed, [])


def _told_of_people(record: EvidenceRecord, population: Row) -> None:
    """Add what a concentration record says of its people in other keys, or in words."""
    source = record.population
    if "weight_kg" not in population and (mean := number(source, "weight_mean")) and mean > 0:
        population["weight_kg"] = mean
    if "age" not in population and (mean := number(source, "age")) is not None and mean >= 0:
        population["age"] = {"mean": mean}
    words = text_of(source, "condition", "sex")
    men, women = (
        re.search(rf"\b{w}\b", words, re.I) for w in (r"(?:men|males?)", r"(?:women|females?)")
    )
    if "female_percent" not in population and bool(men) is not bool(women):
        population["female_percent"] = 0.0 if men else 100.0


# --- both -----------------------------------------------------------------------------------------


def _assemble(
    ctx: Context,
    where: str,
    head: Row,
    results: list[tuple[int, Converted]] | list[tuple[str, list[Row] | str]],
    assumed: list[Row],
    derived: list[Row],
) -> _Result:
    record = ctx.record
    rows: list[Row] = []
    seen: set[str] = set()
    not_expressed: list[Row] = []
    for label, converted in results:
        reason = converted if isinstance(converted, str) else _row_problem(ctx, converted, seen)
        if reason is not None:
            not_expressed.append({"record": record.id, "row": label, "reason": reason})
        elif not isinstance(converted, str):
            rows += converted
    dropped = split().dropped(record.id)
    if dropped and rows:
        rows = [row | {"counted": False} for row in rows]
        ctx.decide(f"rows shown and not counted: {dropped}")
    study = None
    if rows:
        rows, versions = name_version(rows)
        data = {
            "schema": 1,
            "id": record.id,
            "use": use_of(record, ctx.decide),
            "species": record.species,
            "citation": read_citation(record),
            "design": head["design"],
            "population": head["population"],
            "arms": list(ctx.arms.values()),
            "outcomes": rows + derived,
        }
        data["assumed"] = assumed + versions + assume(record, ctx, head["population"], rows)
        study = parse_study(data, f"{where}: {record.id}")
    added = len(derived) if rows else 0
    expressed = len(results) - len(not_expressed)
    return _Result(study, len(results), not_expressed, ctx.decisions, expressed, added)


def _row_problem(ctx: Context, converted: list[Row], seen: set[str]) -> str | None:
    """Return why a row breaks the study file's rules; a rule's slip must not lose the record."""
    if not ctx.arms:
        return "the record has no arms"
    keys = []
    for row in converted:
        try:
            keys.append(row_key(Outcome.model_validate(row)))
        except ValidationError as error:
            return first_problem(error, row, Outcome.model_json_schema())
    if not seen.isdisjoint(keys) or len(set(keys)) < len(keys):
        return "says the same as an earlier row of the record"
    seen.update(keys)
    return None
