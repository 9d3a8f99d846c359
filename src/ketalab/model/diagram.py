"""The compartments of a drug as a picture, drawn from the matrix that the engine integrates.

Whatever has an entry in the matrix has an arrow, and nothing else has one: the drawing cannot say what the equations do
not. Massless states, which follow a concentration and take nothing from it, stand apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from ketalab.model._compartments import Compartments, Pair, compartments
from ketalab.model._layout import Layout, lay_out
from ketalab.model.contract import State

__all__ = ["Compartments", "compartments", "flow_table", "write_svg"]

#: Sizes of the picture, in its own units (pixels at full size): a letter, a line, inside and between boxes, the height
#: of a box and of a row, the margin and the length of an arrow from a route.
_LETTER, _LINE, _PAD, _GAP, _BOX, _ROW, _EDGE = 6.8, 14, 7, 14, 40, 84, 16
_STYLE = (
    "text{font:12px sans-serif;fill:#1a1a1a;text-anchor:middle}"
    ".route{font-style:italic;fill:#0b4f8a}"
    "rect{fill:#eef3f8;stroke:#33475b}"
    ".end rect{fill:#e4e4e4;stroke-width:2}"
    ".follows rect{fill:#fff;stroke-dasharray:4 3}"
    "path{fill:none;stroke:#33475b}"
    ".entry{stroke:#0b4f8a}"
)
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0L8 4L0 8Z" style="fill:#33475b"/></marker></defs>'
)


def flow_table(drawn: Compartments) -> str:
    """Return what the picture shows as a markdown table: each state, how a dose enters it, what it flows to."""
    lines = ["| state | a dose enters by | flows to |", "| --- | --- | --- |"]
    for state in drawn.states:
        to = ", ".join(drawn.label(other) for name, other in drawn.flows if name == state.name)
        routes = ", ".join(drawn.routes_to(state.name))
        to = to or "nothing: an end"
        lines.append(f"| {drawn.label(state.name)} | {routes} | {to} |")
    return "\n".join(lines) + "\n"


def write_svg(drawn: Compartments) -> str:
    """Return the picture: boxes for states, arrows for flows, routes in italics, ends with a thick edge.

    It names itself (``title``), says what it shows (``desc``), and its words are text. Each arrow of a flow bears the
    names of its states as ``data-from`` and ``data-to``; each name of a route, ``data-route`` and ``data-to``.
    """
    picture = _Picture.of(drawn)
    apart, height, wide = _apart(drawn, picture.tall[-1] + _BOX + 2 * _EDGE, picture.layout.width)
    width = max(picture.layout.width, wide) + 2 * _EDGE
    routes = ", ".join(dict.fromkeys(route for route, _ in drawn.entries))
    about = (
        f"{len(drawn.states)} states that hold the drug and {len(drawn.flows)} flows between them. "
        f"A dose enters by these routes: {routes}. Every flow: "
        + "; ".join(f"{drawn.label(a)} to {drawn.label(b)}" for a, b in drawn.flows)
        + "."
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" role="img" aria-labelledby="title desc">',
            f'<title id="title">Compartments of {escape(drawn.molecule)}</title>',
            f'<desc id="desc">{escape(about)}</desc>',
            f"<style>{_STYLE}</style>",
            _TIP,
            f'<rect width="{width:.0f}" height="{height:.0f}" style="fill:#fff;stroke:none"/>',
            *picture.arrows(),
            *picture.entries(),
            *picture.boxes(),
            *apart,
            "</svg>\n",
        ]
    )


@dataclass(frozen=True)
class _Picture:
    """``words`` of each box and ``routes`` into it, line by line; its ``widths``; ``tall`` are the tops of the rows."""

    drawn: Compartments
    words: Mapping[str, list[str]]
    routes: Mapping[str, list[str]]
    widths: Mapping[str, float]
    layout: Layout
    back: tuple[Pair, ...]
    tall: tuple[float, ...]

    @classmethod
    def of(cls, drawn: Compartments) -> _Picture:
        words = {s.name: drawn.label(s.name).split() for s in drawn.states}
        routes = {
            s.name: [line for route in _listed(drawn.routes_to(s.name)) for line in route.split()]
            for s in drawn.states
        }
        widths = {
            name: max(map(len, [*lines, *routes[name]])) * _LETTER + 2 * _PAD
            for name, lines in words.items()
        }
        entered = {target for _, target in drawn.flows}
        # Routes into a box that flows enter too have their names at its sides.
        room = {n: w * (3 if n in entered and routes[n] else 1) for n, w in widths.items()}
        layout, back = lay_out(room, drawn.flows, _GAP)
        head = max(len(found) for found in routes.values()) * _LINE + 2 * _EDGE
        rows = max(row for _, row in layout.places.values()) + 1
        tall = tuple(float(head + row * _ROW) for row in range(rows))
        return cls(drawn, words, routes, widths, layout, back, tall)

    def corner(self, name: str) -> tuple[float, float]:
        """Middle of the upper edge of a box."""
        x, row = self.layout.places[name]
        return x + _EDGE, self.tall[row]

    def line(self, source: str, target: str) -> list[tuple[float, float]]:
        """From the middle of one box's lower edge to that of the other's upper edge, by its bends."""
        first, last = (self.layout.places[name][1] for name in (source, target))
        (x, y), end = self.corner(source), self.corner(target)
        if first >= last:
            return [(x, y), (end[0], end[1] + _BOX)]
        points = [(x, y + _BOX)]
        for bend, row in zip(
            self.layout.bends[source, target], range(first + 1, last), strict=True
        ):
            points += [(bend + _EDGE, self.tall[row]), (bend + _EDGE, self.tall[row] + _BOX)]
        return [*points, end]

    def arrows(self) -> Iterator[str]:
        """One path a flow. Two states that exchange have theirs on one line, each with a tip of its own."""
        flows = set(self.drawn.flows)
        lines = {}
        for source, target in self.drawn.flows:
            returns = (source, target) in self.back and (target, source) in flows
            lines[source, target] = (
                self.line(target, source)[::-1] if returns else self.line(source, target)
            )
        # Ends at one edge of a box are spread along it in the order in which the lines come.
        edges: dict[tuple[str, float], list[tuple[float, Pair, int]]] = {}
        for flow, points in lines.items():
            for name, at, beside in ((flow[0], 0, 1), (flow[1], -1, -2)):
                edges.setdefault((name, points[at][1]), []).append((points[beside][0], flow, at))
        for (name, y), found in edges.items():
            spots = sorted({x for x, _, _ in found})
            step = 0.8 * self.widths[name] / (len(spots) + 1)
            for x, flow, at in found:
                shift = (spots.index(x) - (len(spots) - 1) / 2) * step
                lines[flow][at] = (self.corner(name)[0] + shift, y)
        for (source, target), points in lines.items():
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            yield (
                f'<path class="flow" data-from={quoteattr(source)} data-to={quoteattr(target)} '
                f'd="M{path}" marker-end="url(#tip)"/>'
            )

    def entries(self) -> Iterator[str]:
        """Names of routes above a box or, where flows come from above, to the left of it; and an arrow into it."""
        entered = {target for _, target in self.drawn.flows}
        for name, lines in self.routes.items():
            if not lines:
                continue
            x, y = self.corner(name)
            end = f"{x:.1f} {y:.1f}"
            start, middle, bottom = f"{x:.1f} {y - _EDGE:.1f}", x, y - _EDGE - 3
            if name in entered:
                side = x - self.widths[name] / 2
                end, start = f"{side:.1f} {y + _BOX / 2}", f"{side - _EDGE:.1f} {y + _BOX / 2}"
                middle = side - _EDGE - max(map(len, lines)) * _LETTER / 2
                bottom = y + _BOX / 2 + (len(lines) - 1) * _LINE / 2 + 4
            done = 0
            routes = self.drawn.routes_to(name)
            for route, listed in zip(routes, _listed(routes), strict=True):
                spans = ""
                for word in listed.split():
                    at = bottom - (len(lines) - 1 - done) * _LINE
                    spans += f'<tspan x="{middle:.1f}" y="{at:.1f}">{escape(word)} </tspan>'
                    done += 1
                yield (
                    f'<text class="route" data-route={quoteattr(route)} data-to={quoteattr(name)}>'
                    f"{spans}</text>"
                )
            yield f'<path class="entry" d="M{start}L{end}" marker-end="url(#tip)"/>'

    def boxes(self) -> Iterator[str]:
        for state in self.drawn.states:
            kind = "end" if state.name in self.drawn.ends else "state"
            x, y = self.corner(state.name)
            yield _box(x, y, self.widths[state.name], self.words[state.name], state, kind)


def _listed(routes: Sequence[str]) -> list[str]:
    """Routes with commas between them, because one may take two lines."""
    return [route + "," * (i + 1 < len(routes)) for i, route in enumerate(routes)]


def _box(x: float, y: float, width: float, words: list[str], state: State, kind: str) -> str:
    first = y + _BOX / 2 - (len(words) - 1) * _LINE / 2 + 4
    text = "".join(
        f'<tspan x="{x:.1f}" y="{first + i * _LINE:.1f}">{escape(word)} </tspan>'
        for i, word in enumerate(words)
    )
    return (
        f'<g class="{kind}" data-state={quoteattr(state.name)}><title>{escape(state.meaning)}</title>'
        f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BOX}" rx="5"/>'
        f"<text>{text}</text></g>"
    )


def _apart(drawn: Compartments, top: float, room: float) -> tuple[list[str], float, float]:
    """Massless states below the rest, each with what it follows; the height and the width of it all."""
    if not drawn.following:
        return [], top, 0.0
    parts = [
        f'<text x="{_EDGE}" y="{top:.1f}" style="text-anchor:start">Sampled, taking no drug:</text>'
    ]
    x, y, wide = 0.0, top + _LINE, 0.0
    for state, sources in drawn.following:
        words = [drawn.label(state.name), f"follows {' and '.join(map(drawn.label, sources))}"]
        width = max(map(len, words)) * (_LETTER - 1) + 2 * _PAD
        if x and x + width > room:
            x, y = 0.0, y + _BOX + _GAP
        parts.append(_box(x + _EDGE + width / 2, y, width, words, state, "follows"))
        x += width + _GAP
        wide = max(wide, x - _GAP)
    return parts, y + _BOX + _EDGE, wide
