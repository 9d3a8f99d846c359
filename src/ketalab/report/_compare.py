"""Regimens side by side as one HTML page: courses on common axes, a table beside them, and what to be wary of."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ketalab import __version__
from ketalab._files import write_text
from ketalab.laboratory import Compared, Comparison, OutputInfo
from ketalab.report import _panels, _vega
from ketalab.report._cards import cards_section
from ketalab.report._figure import DataTable, Figure, Panel, sentences
from ketalab.report._page import environment
from ketalab.report._words import clean, hours, number, plural, span

#: Colours and dashes of the regimens, told apart without colour too.
_STYLES: tuple[tuple[str, tuple[int, ...]], ...] = (
    (_vega.BLUE, ()),
    (_vega.VERMILLION, (6, 3)),
    (_vega.GREEN, (2, 2)),
    ("#8f3f71", (8, 3, 2, 3)),
    ("#7a5200", (10, 4)),
    (_vega.INK, (3, 5)),
)
#: Windows (h) that a figure may have; the first after which every median stays low is taken, else all of it.
_WINDOWS = (4.0, 8.0, 12.0, 24.0, 48.0, 96.0, 168.0)
_LOW = 0.05
_TABLE_ROWS = 13
_LABEL_ROOM = 34.0
FIGURES = (
    ("cmax", "peak"),
    ("tmax", "time of the peak"),
    ("auc_0_inf", "area to infinity"),
    ("half_life", "half-life"),
    ("peak", "peak"),
    ("time_of_peak_h", "time of the peak"),
)
#: Heads of the table of regimens.
COLUMNS = (
    *("regimen", "output", "figure", "unit", "typical", "median", "90% of patients"),
    *("over A within each person", "grade"),
)


def unit_of_figure(found: Comparison, info: OutputInfo, figure: str) -> str:
    """The unit of a figure of an output."""
    if figure in ("tmax", "half_life", "time_of_peak_h"):
        return "h"
    own = found.unit_of(info)
    return f"{own} h" if figure == "auc_0_inf" else own


def comparison_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Rows for a table with the heads :data:`COLUMNS`."""
    rows: list[tuple[str, ...]] = []
    for info in found.outputs:
        figures = [(r, found.figures(r, info), found.ratio(r, info)) for r in found.regimens]
        for figure, name in FIGURES:
            for regimen, made, ratios in figures:
                if made["typical"].get(figure) is None and made["median"].get(figure) is None:
                    continue
                ratio = ratios.get(figure)
                rows.append(
                    (
                        regimen.letter,
                        info.name,
                        name,
                        unit_of_figure(found, info, figure),
                        number(made["typical"][figure]),
                        number(made["median"][figure]),
                        span((made["p05"][figure], made["p95"][figure])),
                        f"{number(ratio['median'])} ({span((ratio['p05'], ratio['p95']))})"
                        if ratio
                        else "–",
                        info.grade,
                    )
                )
    for regimen in found.regimens:
        if regimen.f:
            f = regimen.f
            rows.append(
                (
                    *(regimen.letter, "bioavailability", "against iv", "fraction"),
                    *(number(f["typical"]), number(f["median"]), span((f["p05"], f["p95"]))),
                    "–",
                    "",
                )
            )
    return rows


def write_comparison(found: Comparison, path: Path | str) -> Path:
    """Write one HTML file that needs no network and no script; the same comparison gives the same bytes.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    """
    path = Path(path)
    html = (
        environment()
        .get_template("compare.html.j2")
        .render(
            regimens=[(r.letter, clean(r.phrase)) for r in found.regimens],
            lead=_lead(found),
            figures=[_figure(found, info) for info in found.outputs],
            columns=COLUMNS,
            rows=comparison_rows(found),
            warnings=[clean(line) for line in found.warnings],
            cards=cards_section(info.name for info in found.outputs),
            command=_command(found),
            version=__version__,
        )
    )
    write_text(path, html)
    return path


def _lead(found: Comparison) -> str:
    scenario = found.regimens[0].result.scenario
    failed = sum(len(r.result.failed) for r in found.regimens)
    text = (
        f"{plural(len(found.regimens), 'regimen')} in the same {plural(scenario.patients, 'virtual patient')}, "
        f"{number(scenario.days)} days, seed {scenario.seed}."
    )
    return text + (f" Without a solution and left out: {failed}." if failed else "")


def _command(found: Comparison) -> str:
    """The command that makes the page again, for the default people."""
    scenario = found.regimens[0].result.scenario
    words = ["ketalab", "compare", *(r.phrase for r in found.regimens)]
    words += ["--patients", str(scenario.patients), "--days", f"{scenario.days:g}"]
    words += ["--seed", str(scenario.seed), "--unit", found.unit, "--out", "compare.html"]
    return " ".join(shlex.quote(clean(word)) for word in words)


def _curve(found: Comparison, regimen: Compared, info: OutputInfo, end: float) -> _panels.Curve:
    times = regimen.result.times
    kept = times <= end + 1e-9
    low, middle, high = (band[kept] for band in found.course(regimen, info))
    colour, dash = _STYLES[ord(regimen.letter) - ord("A")]
    return _panels.Curve(regimen.letter, times[kept], low, middle, high, colour, dash)


def _window(found: Comparison, info: OutputInfo) -> float:
    """The first window after which the medians of all regimens are low, never longer than what was simulated."""
    last = float(found.regimens[0].result.times[-1])
    for end in _WINDOWS:
        if end >= last:
            break
        if all(_over(r, found.course(r, info)[1], end) for r in found.regimens):
            return end
    return last


def _over(regimen: Compared, middle: Any, end: float) -> bool:
    """Whether what comes after a time is low, seen from where the median starts."""
    away = np.abs(middle - middle[0])
    rest = away[regimen.result.times > end]
    return bool(rest.max(initial=0.0) <= _LOW * away.max())


def _figure(found: Comparison, info: OutputInfo) -> Figure:
    end = _window(found, info)
    curves = [_curve(found, regimen, info, end) for regimen in found.regimens]
    title = clean(info.meaning)
    unit = found.unit_of(info)
    lowest = min(0.0, *(float(c.low.min()) for c in curves))
    highest = max(float(c.high.max()) for c in curves)
    if not highest > lowest:
        return Figure(title, "No figure: none of the regimens gives any.")
    x, _ = _vega.time_axis(end)
    scale = 24.0 if end > 48 else 1.0
    drawn = [
        _panels.Curve(c.name, c.x / scale, c.low, c.middle, c.high, c.colour, c.dash)
        for c in curves
    ]
    y = _vega.make_axis(unit, lowest, 1.05 * highest)
    spec = _panels.course_panel(drawn, x, y, width=560, height=300, right=_LABEL_ROOM)
    words = ["Lines: median of virtual people; bands: 5th to 95th percentile."]
    for curve in curves:
        top = int(np.abs(curve.middle - curve.middle[0]).argmax())
        words.append(
            f"{curve.name}: {number(float(curve.middle[top]))} {unit} "
            f"({span((float(curve.low[top]), float(curve.high[top])))}) at {hours(_round(curve.x[top]))}."
        )
    panel = Panel(clean(info.name), _vega.to_svg(spec))
    return Figure(title, sentences(words), (panel,), (_table(curves, info, unit),))


def _round(value: float) -> float:
    return float(f"{value:.3g}")


def _table(curves: Sequence[_panels.Curve], info: OutputInfo, unit: str) -> DataTable:
    """Medians and bands at a dozen of the times drawn."""
    times = curves[0].x
    picked = np.unique(np.linspace(0, len(times) - 1, _TABLE_ROWS).round().astype(int))
    rows = tuple(
        (
            hours(_round(times[i])),
            *(
                f"{number(float(c.middle[i]))} ({span((float(c.low[i]), float(c.high[i])))})"
                for c in curves
            ),
        )
        for i in picked
    )
    caption = f"{clean(info.name)}, {unit}: median and 5th to 95th percentile of virtual people"
    return DataTable(caption, ("Time", *(c.name for c in curves)), rows)
