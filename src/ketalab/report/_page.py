"""The report of replays: one HTML file that needs no network and no JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ketalab import __version__
from ketalab._files import write_text
from ketalab.errors import OutputError
from ketalab.report._cards import cards_section, outputs_of
from ketalab.report._rows import RowView, tally, view_rows
from ketalab.report._study import StudyView, gather_constants, view_study
from ketalab.report._words import number, span
from ketalab.studies import Replay

#: Half the width of the strip beside a row: in predicted standard deviations, and as drawn.
_STRIP_SD, _STRIP_HALF = 4.0, 60.0


def strip(view: RowView) -> dict[str, float | bool] | None:
    """Place band and published value of a row on a strip of ±4 predicted standard deviations."""
    observed, mean, interval = view.observed, view.mean, view.interval
    if observed is None or mean is None or interval is None or view.z is None:
        return None
    # Where the observed is exactly the predicted mean, the interval tells the scale.
    sd = (observed - mean) / view.z if view.z else (interval[1] - interval[0]) / 3.29
    if not sd > 0:
        return None

    def at(value: float) -> float:
        units = max(-_STRIP_SD, min(_STRIP_SD, (value - mean) / sd))
        return round(_STRIP_HALF * units / _STRIP_SD, 1)

    low, high = (at(end) for end in interval)
    return {
        "low": low,
        "width": round(high - low, 1),
        "at": at(observed),
        "beyond": abs(view.z) > _STRIP_SD,
    }


def _order(views: Sequence[StudyView]) -> list[StudyView]:
    """Studies with misses first, the most misses at the top; then those with counted rows."""

    def key(view: StudyView) -> tuple[int, bool, bool]:
        counted = bool(view.tally.numbers + view.tally.directions)
        return -view.tally.misses, not counted, not view.figures

    return sorted(views, key=key)


def environment() -> Any:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ketalab.report", "_templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "span": span, "strip": strip, "svg": Markup}
    return environment


def write_replay_report(replays: Sequence[Replay], path: Path | str) -> Path:
    """Write one HTML file with everything that replays found, misses first.

    Charts are SVG within the file; nothing is fetched, nothing needs JavaScript. The same replays
    give the same bytes.

    Raises
    ------
    OutputError
        No replay to report, or the file cannot be written; nothing is left behind.
    """
    if not replays:
        raise OutputError("report: there is no replay to report")
    path = Path(path)
    if not path.parent.is_dir():  # seen before the work is done, not after
        raise OutputError(f"{path}: the folder {str(path.parent)!r} does not exist")
    views = _order([view_study(replay, i) for i, replay in enumerate(replays, start=1)])
    together = tally(
        view for replay in replays for view in view_rows(replay.rows, replay.study.outcomes)
    )
    html = (
        environment()
        .get_template("report.html.j2")
        .render(
            studies=views,
            tally=together,
            constants=gather_constants(replays),
            cards=cards_section(outputs_of(replays)),
            version=__version__,
        )
    )
    write_text(path, html)
    return path
