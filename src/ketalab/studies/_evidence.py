"""Checks of the packaged evidence: what ``ketalab evidence check`` lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ketalab._files import read_yaml
from ketalab.errors import InputError
from ketalab.facts import cards
from ketalab.studies._convert import Conversion, convert_records, join_conversions
from ketalab.studies._ledger import LEDGER
from ketalab.studies._load import list_studies, load_study, studies_folder
from ketalab.studies._record import EvidenceRecord, read_records
from ketalab.studies._schema import Study
from ketalab.studies._split import split

__all__ = ["check_evidence", "convert_packaged", "evidence_records", "record_files"]

RECORDS = Path(__file__).parent.parent / "data" / "records"


def record_files() -> tuple[Path, ...]:
    """Return the packaged files of evidence records, in alphabetical order."""
    return tuple(sorted(RECORDS.glob("*.yaml")))


def evidence_records() -> tuple[EvidenceRecord, ...]:
    """Return every packaged evidence record, in the order of the files."""
    return tuple(record for path in record_files() for record in read_records(path))


def convert_packaged() -> Conversion:
    """Convert all packaged records; the result is what ``data/studies`` holds."""
    return join_conversions([convert_records(path) for path in record_files()])


def check_evidence() -> list[str]:
    """Return one line for each problem of the packaged studies, their split and their ledger.

    Checked are: every study loads; its citation has a title and a year, or its note says why not; a
    study that calibrates has a verified row that counts; the split covers every study with the use
    that the study has; the ledger's sums agree with the studies; no two studies have one DOI unless
    the split lists them as related.
    """
    problems: list[str] = []
    studies: dict[str, Study] = {}
    for name in list_studies():
        try:
            studies[name] = load_study(name)
        except InputError as error:
            problems.append(str(error))
    for name, study in studies.items():
        problems += (f"{name}: {problem}" for problem in _study_problems(name, study))
    problems += _shared_dois(studies)
    problems += _split_problems(studies)
    problems += _ledger_problems(studies)
    problems += _card_problems()
    return problems


def _study_problems(name: str, study: Study) -> Iterator[str]:
    if study.id != name:
        yield f"the file's name is not the study's id {study.id!r}"
    note = str(study.citation.get("note", ""))
    for field, word in (("title", "title"), ("issued", "year")):
        if field not in study.citation and word not in note:
            yield f"citation has no {word}, and its note does not say why"
    if study.use == "calibrate" and not any(row.verified and row.counted for row in study.outcomes):
        yield "calibrates without a verified row that counts"


def _shared_dois(studies: dict[str, Study]) -> Iterator[str]:
    by_doi: dict[str, list[str]] = {}
    for name, study in studies.items():
        if doi := str(study.citation.get("DOI", "")).lower():
            by_doi.setdefault(doi, []).append(name)
    for doi, names in by_doi.items():
        for other in names[1:]:
            if not split().related(names[0], other):
                yield f"{names[0]}, {other}: share the DOI {doi}, which split.yaml does not list"


def _split_problems(studies: dict[str, Study]) -> Iterator[str]:
    entries = split().studies
    for name, study in studies.items():
        if name not in entries:
            yield f"{name}: not in split.yaml"
        elif entries[name].use != study.use:
            yield f"{name}: use {study.use}, in split.yaml {entries[name].use}"
        if split().dropped(name) and any(row.counted for row in study.outcomes):
            yield f"{name}: a duplicate whose rows count"
    known = {record.id for record in evidence_records()}
    named = {*entries}
    for item in split().duplicates:
        named |= {*item.keep, *item.drop}
    for group in split().same_study:
        named |= {*group.records}
    yield from (f"split.yaml: {name!r} is no evidence record" for name in sorted(named - known))


def _card_problems() -> Iterator[str]:
    entries = split().studies
    for card in cards().values():
        for name in (*card.data_used.studies, *card.data_held_out):
            if name not in entries:
                yield f"card {card.id}: no study {name!r} in split.yaml"
        for name in card.data_used.studies:
            if name in entries and entries[name].use == "validate":
                yield f"card {card.id}: used {name!r}, which split.yaml holds out"
        for name in card.data_held_out:
            if name in entries and entries[name].use != "validate":
                yield f"card {card.id}: held out {name!r}, which split.yaml uses"


def _ledger_problems(studies: dict[str, Study]) -> Iterator[str]:
    try:
        data: Any = read_yaml(studies_folder() / LEDGER)
    except InputError as error:
        yield str(error)
        return
    counts = data["counts"].values()
    for name, one in data["counts"].items():
        if one["given"] != one["expressed"] + one["not_expressed"]:
            yield f"{LEDGER}: {name}: expressed and not expressed do not add up to the rows given"
    if sum(one["not_expressed"] for one in counts) != len(data["not_expressed"]):
        yield f"{LEDGER}: counts and list of rows not expressed differ"
    if sum(one["studies"] for one in counts) != len(studies):
        yield f"{LEDGER}: counts {sum(one['studies'] for one in counts)} of {len(studies)} studies"
    rows = sum(len(study.outcomes) for study in studies.values())
    if sum(one["study_rows"] for one in counts) != rows:
        yield f"{LEDGER}: counts and rows of the study files differ"
