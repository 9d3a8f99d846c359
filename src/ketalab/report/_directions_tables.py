"""Tables of direction rows, ablations and the contrast, for page and terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from ketalab.judgement import (
    BY_CARD,
    GROUPS,
    HELD,
    JUDGED,
    Ablation,
    Contrast,
    Directions,
    Judged,
)
from ketalab.report._qualification_tables import Table
from ketalab.report._words import clean, hours, number, plural

#: What each group is, in words.
GROUP_WORDS = {
    "stated": "verified, with stated dose, time and acts",
    "assumed": "with a dose, time or act recalled or assumed",
    "build": "of studies that chose structure or constants: shown, no validation",
    "contested": "contested: neither right nor wrong",
    "apart": "of scores, states, harm or concentrations: in no share of the brain",
    "not expressed": "not expressed",
}
_SIGNS = {"+": "higher", "-": "lower", "0": "no different"}
_LAYERS = {"none": "no output"}


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "–"


def directions_lead(found: Directions) -> str:
    """The result in one paragraph."""
    held, count = found.share("stated")
    other_held, other = found.share("assumed")
    text = (
        f"{found.expressed} of {plural(len(found.rows), 'row')} expressed "
        f"({_percent(found.expressed, len(found.rows))}). Of the uncontested rows of the brain, "
        f"{held} of {count} with stated dose, time and acts are held ({_percent(held, count)}), "
        f"and {other_held} of {other} of the others ({_percent(other_held, other)})"
    )
    apart_held, apart = found.share("apart")
    if apart:
        text += f"; apart from these, {apart_held} of {apart} of scores, states and harm"
    met = sum(v.met for v in found.verdicts)
    return f"{text}. {met} of {plural(len(found.verdicts), 'aim')} met."


def aims_of_directions(found: Directions) -> Table:
    """Aims, bounds, what was found."""
    rows = [
        (
            clean(v.aim.claim),
            v.bound,
            "–" if math.isnan(v.value) else number(v.value, 2),
            str(v.count),
            "met" if v.met else "not met",
        )
        for v in found.verdicts
    ]
    return Table(
        f"A row is held where at least {100 * HELD:.0f}% of the virtual trials have the published sign.",
        ("Aim", "Bound", "Found", "Rows", "Verdict"),
        tuple(rows),
        words=frozenset({1, 4}),
        bad=frozenset(i for i, v in enumerate(found.verdicts) if not v.met),
    )


def totals_table(found: Directions) -> Table:
    """All rows by layer and group."""
    order = (*JUDGED, "mind", "states", "harm", "body", "none")
    counts = Counter((row.layer, row.group) for row in found.rows)
    layers = [layer for layer in order if any(counts[layer, group] for group in GROUPS)]
    rows = [
        (
            _LAYERS.get(layer, layer),
            str(sum(counts[layer, group] for group in GROUPS)),
            *(str(counts[layer, group]) for group in GROUPS),
        )
        for layer in layers
    ]
    total = Counter(row.group for row in found.rows)
    rows.append(("all", str(len(found.rows)), *(str(total[group]) for group in GROUPS)))
    return Table(
        "All frozen rows by layer: "
        + "; ".join(f"{name}, {words}" for name, words in GROUP_WORDS.items() if name != words)
        + ".",
        ("Layer", "Rows", *(group.capitalize() for group in GROUPS)),
        tuple(rows),
    )


def cards_table(found: Directions) -> Table:
    """Rows held by the credibility card of what they measure; contested rows are in none."""
    rows = [
        (card, *(f"{held} of {count}" for held, count in groups.values()))
        for card, groups in found.by_card().items()
    ]
    return Table(
        "Rows held, by the credibility card of what they measure.",
        ("Card", *(group.capitalize() for group in BY_CARD)),
        tuple(rows),
    )


def _row(one: Judged, found: Directions) -> tuple[str, ...]:
    row = one.row
    when = "usual time" if row.time_h is None else hours(row.time_h)
    if row.window_h is not None:
        when = " to ".join(hours(h) for h in row.window_h)
    chance = "–" if one.probability is None else f"{100 * one.probability:.0f}%"
    guessed = "; ".join(one.guessed) or "stated"
    return (
        clean(row.study),
        clean(row.measure),
        clean(row.compared),
        when,
        _SIGNS[row.sign],
        chance,
        guessed,
        clean(found.causes.get(one.id, "")),
    )


_COLUMNS = ("Study", "Measure", "Compared", "At", "Published", "Trials", "Not stated", "Cause")
_WORDS = frozenset(range(1, 8)) - {5}


def rows_table(caption: str, rows: Sequence[Judged], found: Directions, *, mark: bool) -> Table:
    """Rows as given; with ``mark`` those not held are marked."""
    bad = frozenset(i for i, row in enumerate(rows) if mark and not row.held)
    cells = tuple(_row(row, found) for row in rows)
    return Table(caption, _COLUMNS, cells, words=_WORDS, bad=bad)


def misses_of(found: Directions) -> Table:
    """Rows of stated design that are not held, the least probable first."""
    rows = [row for row in found.of("stated") if not row.held]
    return rows_table("Stated rows that are not held.", rows, found, mark=False)


def contested_tables(found: Directions) -> list[tuple[str, Table]]:
    """(question, rows) of each contested topic; the rows in the order of the list."""
    made = []
    for topic, question in found.questions.items():
        rows = [r for r in found.rows if r.group == "contested" and r.row.contested == topic]
        if rows:
            made.append((clean(question), rows_table(clean(question), rows, found, mark=False)))
    return made


def reasons(found: Directions) -> list[tuple[str, list[str]]]:
    """(reason, ids) of rows that are not expressed, the most rows first."""
    by: dict[str, list[str]] = {}
    for row in found.rows:
        if row.reason is not None:
            by.setdefault(clean(row.reason), []).append(clean(row.id))
    return sorted(by.items(), key=lambda item: (-len(item[1]), item[0]))


def ablation_table(found: Sequence[Ablation]) -> Table:
    """Mechanisms with the rows that break without them, those that break most first."""
    order = sorted(found, key=lambda one: (-len(one.breaks), one.mechanism.id))
    rows = []
    for one in order:
        weaker = len(one.fallen) - len(one.breaks)
        named = [
            f"{row.id} ({100 * row.before:.0f} to {100 * row.after:.0f}%)"
            for row in one.fallen
            if row.breaks
        ]
        why = one.mechanism.kept_because or "nothing says why it is kept"
        rows.append(
            (
                clean(one.mechanism.what),
                _switch(one),
                str(one.asked),
                str(len(one.breaks)),
                str(weaker),
                clean("; ".join(named)) if named else f"none: {clean(why)}",
            )
        )
    return Table(
        "Each mechanism switched off in turn, in the same virtual trials: a row breaks where its probability falls "
        "from 50% or more to below, and weakens where it falls by more than 30 points.",
        ("Mechanism", "Off at", "Rows asked", "Break", "Weaken", "Rows that break"),
        tuple(rows),
        words=frozenset({1, 5}),
        bad=frozenset(
            i for i, one in enumerate(order) if not one.breaks and not one.mechanism.kept_because
        ),
    )


def _switch(one: Ablation) -> str:
    facts = one.mechanism.facts
    first, value = next(iter(facts.items()))
    more = f" and {len(facts) - 1} more" if len(facts) > 1 else ""
    return clean(f"{first} {value:g}{more}")


_CELLS = {
    "both": "glutamate passes, mu receptors free",
    "glutamate": "glutamate passes, naltrexone",
    "opioid": "AMPA receptors blocked, mu receptors free",
    "none": "AMPA receptors blocked, naltrexone",
}


def contrast_table(found: Iterable[Contrast]) -> Table:
    """The four cells and the interaction contrast of each output."""
    rows = []
    for one in found:
        named = [(words, one.cells[name]) for name, words in _CELLS.items()]
        named.append(("contrast: together beyond each alone", one.interaction))
        for words, (mean, low, high) in named:
            span = f"{number(low, 3)} to {number(high, 3)}"
            share = f"{100 * mean / one.cells['both'][0]:.0f}%" if one.cells["both"][0] else "–"
            rows.append((clean(one.output), words, number(mean, 3), span, share))
    return Table(
        "Glutamate by opioid, a day after 0.5 mg/kg over 40 minutes, in the same people, with the hypothesis that "
        "opioid tone gates the lasting benefit: mean and 90% interval over virtual trials.",
        ("Output", "Doors", "Mean", "90% interval", "Of the whole effect"),
        tuple(rows),
        words=frozenset({1, 3}),
    )
