"""Credibility cards: a section of a page, text for a terminal, tables of the manual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from ketalab.errors import FactError
from ketalab.facts import Card, card_of, cards, cards_of, scales
from ketalab.studies import Replay

#: Columns of the text, and of the words before it.
_WIDTH, _INDENT = 100, 18
#: Names that the text writes out; of more the number of the others is told. Pages and JSON have all.
_MOST = 8


@dataclass(frozen=True)
class CardLines:
    """One card as it is shown: what it covers here, and its fields as (name, lines)."""

    id: str
    title: str
    sure: str
    covers: str
    fields: tuple[tuple[str, tuple[str, ...]], ...]


def _listed(names: Sequence[str], most: int | None) -> str:
    if most is None or len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def _lines(card: Card, names: Sequence[str], most: int | None = None) -> CardLines:
    used = card.data_used
    behind = [
        f"{what}: {_listed(ids, most)}"
        for what, ids in (
            ("studies", used.studies),
            ("sources of constants", used.citations),
            ("constants", used.facts),
        )
        if ids
    ]
    error = [
        f"{one.what}: {one.said()}" + (f" [{one.command}, {one.version}]" if one.measured else "")
        for one in card.error
    ]
    return CardLines(
        card.id,
        card.title,
        f"{card.grade.level}: {card.grade.why}",
        _listed(names, most),
        (
            ("question", (card.question,)),
            ("context of use", (card.context_of_use,)),
            ("not for", card.must_not_inform),
            ("influence", (f"{card.influence.level}: {card.influence.why}",)),
            ("consequence", (f"{card.consequence.level}: {card.consequence.why}",)),
            ("data used", tuple(behind) or ("none named",)),
            ("held out", (_listed(card.data_held_out, most) or "none",)),
            ("error", tuple(error)),
        ),
    )


def cards_section(names: Iterable[str]) -> tuple[CardLines, ...]:
    """What the template ``cards.html.j2`` shows: the cards of these outputs, in the order in which they come.

    Names that no card covers (a scale that is no output) are left out.
    """
    return tuple(_lines(card, covered) for card, covered in cards_of(_covered(names)))


def _covered(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        try:
            card_of(name)
        except FactError:
            continue
        yield name


def cards_text(names: Iterable[str]) -> str:
    """The cards of these outputs as text, at most 100 columns wide."""
    found = cards_of(_covered(names))
    return "\n\n".join(_card_text(_lines(card, covered, _MOST)) for card, covered in found)


def _card_text(card: CardLines) -> str:
    lines = wrap(f"Credibility: {card.title} ({card.covers})", _WIDTH, subsequent_indent="  ")
    for name, texts in (("how sure", (card.sure,)), *card.fields):
        for number, text in enumerate(texts):
            head = f"  {name if number == 0 else '':<{_INDENT - 2}}"
            lines += wrap(
                text,
                _WIDTH,
                initial_indent=head,
                subsequent_indent=" " * _INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def cards_manual() -> str:
    """Markdown tables of all cards for the manual: what each covers and how sure it is, and the figures of error."""
    heads = (
        ("card", "outputs", "question", "how sure", "influence", "consequence", "held out"),
        ("card", "error", "found", "reprinted by"),
    )
    first = [
        (
            f"`{card.id}`",
            ", ".join(f"`{pattern}`" for pattern in card.covers),
            card.question,
            f"**{card.grade.level}**: {card.grade.why}",
            f"{card.influence.level}: {card.influence.why}",
            f"{card.consequence.level}: {card.consequence.why}",
            ", ".join(f"`{name}`" for name in card.data_held_out) or "none",
        )
        for card in cards().values()
    ]
    second = [
        (f"`{card.id}`", one.what, one.said(), f"`{one.command}`" if one.command else "–")
        for card in cards().values()
        for one in card.error
    ]
    return f"{_markdown(heads[0], first)}\n\n{_markdown(heads[1], second)}\n"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def outputs_of(replays: Sequence[Replay]) -> tuple[str, ...]:
    """Names of the outputs that the replayed rows rest on, in the order in which they come."""
    names = [
        _output_of(row, replay.study.outcomes[place].analyte, replay.study.outcomes[place].site)
        for replay in replays
        for place, row in enumerate(replay.rows)
        if not row["skipped"]
    ]
    return tuple(dict.fromkeys(names))


def _output_of(row: Mapping[str, Any], analyte: str | None, site: str | None) -> str:
    measure = str(row["measure"])
    first, _, rest = measure.partition(":")
    if measure == "plasma":
        return f"plasma:{site or 'venous'}:{(analyte or 'ketamine').split('/')[0]}"
    if first in ("response", "remission"):
        return f"p:{first}:{rest}"
    return f"score:{measure}" if measure in scales() else measure
