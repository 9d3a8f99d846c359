"""Figures of courses in time: plasma, receptors, and dissociation beside blood pressure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ketalab.errors import UnitError
from ketalab.facts import convert
from ketalab.report import _panels, _vega
from ketalab.report._figure import DataTable, Figure, Panel, sentences
from ketalab.report._words import clean, decimals, hours, number, plural, span
from ketalab.studies import Outcome, Replay

Array = NDArray[np.float64]

#: Arms drawn in one figure; more would hide what matters, and the tables of the study hold all.
MAX_ARMS = 6
#: What stays below this share of the largest among the arms is not drawn.
_NOTHING = 1e-3
#: Windows (h) that a figure may have; the first after which all medians are low is taken.
_WINDOWS = (4.0, 8.0, 12.0, 24.0)
_LOW = 0.1
#: Hours at which the table beside a figure looks, where they were simulated.
_TABLE_HOURS = (0, 0.5, 2 / 3, 1, 1.5, 2, 3, 4, 6, 8, 12, 24)
_LABEL_ROOM = 92.0


@dataclass(frozen=True)
class _Line:
    """One output as drawn: its name at the line, colour and dash."""

    output: str
    name: str
    colour: str = _vega.BLUE
    dash: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Plot:
    """One panel an arm; ``factor`` turns the output's unit into that of the axis."""

    title: str
    axis: str
    unit: str
    lines: tuple[_Line, ...]
    factor: float = 1.0
    top: float | None = None


_DASHED = (_vega.VERMILLION, (5, 3))
_PLASMA = (
    _Plot(
        "plasma ketamine",
        "ng/mL in venous plasma",
        " ng/mL",
        (
            _Line("plasma:venous:S-ketamine", "S-ketamine"),
            _Line("plasma:venous:R-ketamine", "R-ketamine", *_DASHED),
        ),
    ),
    _Plot(
        "plasma norketamine",
        "ng/mL in venous plasma",
        " ng/mL",
        (
            _Line("plasma:venous:S-norketamine", "S-norketamine"),
            _Line("plasma:venous:R-norketamine", "R-norketamine", *_DASHED),
        ),
    ),
)
_OCCUPANCY = (
    _Plot(
        "NMDA receptors blocked",
        "% of receptors blocked",
        "%",
        (
            _Line("occupancy:NMDA:cortical", "cortical"),
            _Line("occupancy:NMDA:interneuron", "interneuron", *_DASHED),
        ),
        100.0,
        100.0,
    ),
)
_STATES = (
    _Plot(
        "dissociation",
        "dissociation, % of the rating scale",
        "% of the scale",
        (_Line("state:dissociation", "dissociation", _vega.GREEN),),
        100.0,
        100.0,
    ),
    _Plot(
        "systolic pressure",
        "rise of systolic pressure, mmHg",
        " mmHg",
        (_Line("harm:systolic", "systolic pressure", _vega.VERMILLION, (5, 3)),),
    ),
)


def _largest(replay: Replay, plot: _Plot, arm: str) -> float:
    return max(float(replay.courses[arm][line.output].max()) for line in plot.lines)


def _dosed(replay: Replay, plots: Sequence[_Plot]) -> tuple[list[str], list[str]]:
    """Arms that have any of the outputs, and those that have next to nothing."""
    tops = {arm: [_largest(replay, plot, arm) for plot in plots] for arm in replay.courses}
    most = [max(top[i] for top in tops.values()) for i in range(len(plots))]
    shown = [
        arm
        for arm, top in tops.items()
        if any(m > 0 and t > _NOTHING * m for t, m in zip(top, most, strict=True))
    ]
    return shown, [arm for arm in tops if arm not in shown]


def _window(replay: Replay, plot: _Plot, arms: Sequence[str], least: float) -> float:
    """The first window after which the medians are low, never longer than what was simulated."""
    longest = max(float(replay.hours[arm][-1]) for arm in arms)
    for end in _WINDOWS:
        if end < least or end > longest:
            continue
        rest = []
        for arm in arms:
            late = (replay.hours[arm] >= end) & (replay.hours[arm] <= _WINDOWS[-1])
            for line in plot.lines:
                middle = replay.courses[arm][line.output][1]
                rest.append(float(middle[late].max(initial=0.0)) <= _LOW * float(middle.max()))
        if all(rest):
            return end
    return min(_WINDOWS[-1], longest)


def _observed(replay: Replay, arm: str, plot: _Plot, end: float) -> list[tuple[_Line, Outcome]]:
    """Published concentrations of what a panel draws."""
    found = []
    for row in replay.study.outcomes:
        if row.kind != "concentration" or row.arm != arm or row.observed is None:
            continue
        if row.time_h is None or not 0 <= row.time_h <= end or row.subgroup or row.period:
            continue
        names = {row.measure, f"plasma:{row.site or 'venous'}:{row.analyte}"}
        found += [(line, row) for line in plot.lines if line.output in names]
    return found


def _points(rows: Sequence[tuple[_Line, Outcome]], unit: str) -> list[_panels.Point]:
    made = []
    for _, row in rows:
        assert row.observed is not None
        assert row.time_h is not None
        try:
            value = convert(row.observed, row.unit or unit, unit, row.measure)
        except UnitError:
            continue
        hollow = not (row.verified and row.counted)
        made.append(_panels.Point(row.time_h, value, label=number(value), hollow=hollow))
    return made


def _curve(replay: Replay, arm: str, line: _Line, factor: float, end: float) -> _panels.Curve:
    times = replay.hours[arm]
    kept = times <= end + 1e-9
    low, middle, high = (factor * q[kept] for q in replay.courses[arm][line.output])
    return _panels.Curve(line.name, times[kept], low, middle, high, line.colour, line.dash)


def _present(curves: Sequence[_panels.Curve]) -> list[_panels.Curve]:
    """Curves of which there is anything: after esketamine there is no R-ketamine."""
    most = max(float(curve.high.max()) for curve in curves)
    return [curve for curve in curves if float(curve.high.max()) > _NOTHING * most]


def _say(curves: Sequence[_panels.Curve], plot: _Plot, arm: str) -> str:
    """Peak and end of each curve of a panel, with its band, as a sentence."""
    parts = [f"no {n.name}" for n in plot.lines if n.name not in {c.name for c in curves}]
    for curve in curves:
        top = int(curve.middle.argmax())
        places = decimals([curve.high[top]])
        band = span((curve.low[top], curve.high[top]), places)
        parts.append(
            f"{curve.name} peaks at {number(curve.middle[top], places)}{plot.unit} ({band}) "
            f"{hours(curve.x[top])} after the start and is {number(curve.middle[-1], places)} "
            f"at {hours(curve.x[-1])}"
        )
    return f"Arm {clean(arm)}: {'; '.join(parts)}."


def _cell(curve: _panels.Curve, i: int) -> str:
    """Median and band at one time, finer where the numbers are small."""
    finest = max(1, decimals([float(curve.high.max())]))
    places = min(finest, decimals([float(curve.high[i])]))
    band = span((float(curve.low[i]), float(curve.high[i])), places)
    return f"{number(float(curve.middle[i]), places)} ({band})"


def _table(curves: Sequence[_panels.Curve], plot: _Plot, arm: str) -> DataTable:
    """The medians and bands of a panel at a dozen times."""
    times = curves[0].x
    rows = []
    for hour in _TABLE_HOURS:
        at = np.flatnonzero(np.abs(times - hour) < 1e-6)
        if len(at):
            rows.append((hours(hour), *(_cell(c, int(at[0])) for c in curves)))
    caption = f"Arm {clean(arm)}, {plot.axis}: median and 5th to 95th percentile of virtual people"
    return DataTable(caption, ("Time", *(c.name for c in curves)), tuple(rows))


def _figure(replay: Replay, title: str, plots: Sequence[_Plot], least: float) -> Figure:
    lines = {line.output for plot in plots for line in plot.lines}
    if not all(lines <= set(course) for course in replay.courses.values()):
        return Figure(title, "No figure: this study is simulated with the body alone.")
    arms, empty = _dosed(replay, plots) if replay.courses else ([], [])
    if not arms:
        why = "no arm of this study could be simulated" if not replay.courses else "no arm has any"
        return Figure(title, f"No figure: {why}.")
    shown = arms[:MAX_ARMS]
    end = _window(replay, plots[0], shown, least)
    axis, _ = _vega.time_axis(end)
    words = ["Lines: median of virtual people; bands: 5th to 95th percentile."]
    panels, tables, drawn = [], [], 0
    tops = [
        plot.top or 1.05 * plot.factor * max(_largest(replay, plot, a) for a in shown)
        for plot in plots
    ]
    for arm in shown:
        for plot, top in zip(plots, tops, strict=True):
            curves = _present([_curve(replay, arm, n, plot.factor, end) for n in plot.lines])
            points = _points(_observed(replay, arm, plot, end), plot.unit.strip())
            drawn += len(points)
            right = _LABEL_ROOM if len(plot.lines) > 1 else 16.0
            vertical = _vega.make_axis(plot.axis, 0.0, top)
            spec = _panels.course_panel(curves, axis, vertical, points, right=right)
            panels.append(Panel(f"{clean(arm)}: {plot.title}", _vega.to_svg(spec)))
            tables.append(_table(curves, plot, arm))
            words.append(_say(curves, plot, arm))
    if empty:
        names = ", ".join(map(clean, empty))
        words.append(f"Not drawn, because there is next to nothing to see: {names}.")
    if len(arms) > MAX_ARMS:
        words.append(f"{plural(len(arms) - MAX_ARMS, 'further arm')} not drawn.")
    if plots is _PLASMA:
        published = f"{plural(drawn, 'published concentration')} drawn as diamonds."
        words.append(published if drawn else "The study file holds no concentration for these.")
    return Figure(title, sentences(words), tuple(panels), tuple(tables))


def course_figures(replay: Replay) -> list[Figure]:
    """Return plasma, receptor occupancy, and states beside harms."""
    return [
        _figure(replay, "Plasma by enantiomer and metabolite", _PLASMA, 12),
        _figure(replay, "NMDA receptors blocked", _OCCUPANCY, 8),
        _figure(replay, "Dissociation, and blood pressure beside it", _STATES, 4),
    ]
