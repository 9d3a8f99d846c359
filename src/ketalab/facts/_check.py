"""Checks over all records of this room, for ``ketalab evidence check``."""

from __future__ import annotations

from ketalab.errors import FactError, InputError, closest
from ketalab.facts._cards import cards
from ketalab.facts._load import citations, compounds, facts, scales
from ketalab.facts._pumps import pumps
from ketalab.facts._units import check_unit, parse_unit


def check_facts() -> list[str]:
    """Return one line per problem: units that do not parse, names that nothing defines."""
    problems = []
    known, references = facts(), citations()
    for record in known.values():
        if record.citation is not None and record.citation not in references:
            problems.append(f"fact {record.id}: no reference {record.citation!r}")
        try:
            parse_unit(record.unit, f"fact {record.id}")
        except InputError as error:
            problems.append(str(error))
    for key, reference in references.items():
        if not reference.get("title"):
            problems.append(f"reference {key}: no title")
    for compound in compounds().values():
        for name, unit in dict.fromkeys(compound.uses()):
            if name not in known:
                problems.append(f"compound {compound.id}: no fact {name!r}{closest(name, known)}")
                continue
            try:
                check_unit(known[name].unit, unit, f"compound {compound.id}: fact {name}")
            except InputError as error:
                problems.append(str(error))
        total = sum(compound.molecules.values())
        if compound.molecules and abs(total - 1) > 1e-9:
            problems.append(f"compound {compound.id}: shares of molecules sum to {total:g}, not 1")
    for pump in pumps().values():
        for name in pump.facts:
            if name not in known or known[name].citation != pump.citation:
                problems.append(f"pump {pump.id}: no fact {name!r} that cites {pump.citation}")
        for drug in pump.drugs:
            if drug not in compounds():
                problems.append(f"pump {pump.id}: no compound {drug!r}")
    for scale in scales().values():
        for name, wanted in (*scale.uses(), (scale.fluctuation, "")):
            if name not in known:
                problems.append(f"scale {scale.id}: no fact {name!r}{closest(name, known)}")
                continue
            try:
                check_unit(
                    known[name].unit, wanted or known[name].unit, f"scale {scale.id}: {name}"
                )
            except InputError as error:
                problems.append(str(error))
    cited = {record.citation for record in known.values()}
    problems += [f"reference {key}: no fact cites it" for key in references if key not in cited]
    return problems


def _card_problems() -> list[str]:
    """Names in credibility cards that nothing defines, and figures that cannot be read."""
    problems = []
    for card in cards().values():
        for kind, names, known in (
            ("reference", card.data_used.citations, citations()),
            ("fact", card.data_used.facts, facts()),
        ):
            problems += [
                f"card {card.id}: no {kind} {name!r}" for name in names if name not in known
            ]
        for one in card.error:
            try:
                one.said()
            except FactError as error:
                problems.append(f"card {card.id}: {error}")
    return problems
