"""The drawing of the compartments is the matrix: every flow of it is there, and nothing else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.model import Entry, Equations, Layer, Output, Parameter, State, Values, join
from ketalab.model._layout import lay_out, rank
from ketalab.model.body import ketamine
from ketalab.model.diagram import Compartments, compartments, flow_table, write_svg
from ketalab.model.tracing import Traced, trace

SVG = "{http://www.w3.org/2000/svg}"
MOLECULES = [
    ("human", "S-ketamine"),
    ("human", "R-ketamine"),
    ("rat", "S-ketamine"),
    ("mouse", "R-hydroxynorketamine"),
]


@cache
def model(species: str = "human") -> Traced:
    return trace(join((ketamine(species),)))


def drawing(drawn: Compartments) -> ET.Element:
    return ET.fromstring(write_svg(drawn))


def flows_of(picture: ET.Element) -> list[tuple[str, str]]:
    return [
        (path.attrib["data-from"], path.attrib["data-to"])
        for path in picture.iter(f"{SVG}path")
        if path.get("class") == "flow"
    ]


def states_of(picture: ET.Element, kinds: tuple[str, ...] = ("state", "end")) -> list[str]:
    return [g.attrib["data-state"] for g in picture.iter(f"{SVG}g") if g.get("class") in kinds]


@pytest.mark.parametrize(("species", "molecule"), MOLECULES)
def test_every_flow_of_the_matrix_is_drawn_once_and_nothing_else(
    species: str, molecule: str
) -> None:
    traced = model(species)
    moles = {s.name for layer in traced.joined.layers for s in layer.states if s.mole}
    picture = drawing(compartments(traced, molecule))
    drawn = set(states_of(picture))
    into = {e.state for e in ketamine(species).entries if e.molecule == molecule}
    assert into <= drawn <= moles
    expected = {
        (a, b)
        for j, a in enumerate(traced.linear)
        for i, b in enumerate(traced.linear)
        if i != j and a in drawn and b in moles and traced.matrix[i, j] != 0
    }
    made = flows_of(picture)
    assert len(made) == len(set(made))
    assert set(made) == expected
    # What is drawn is closed: nothing flows out of the picture, and each state is reached by a dose.
    assert {b for _, b in expected} <= drawn
    assert drawn == into | {b for _, b in expected}


@pytest.mark.parametrize(("species", "molecule"), MOLECULES)
def test_routes_lead_to_the_states_that_their_doses_enter(species: str, molecule: str) -> None:
    picture = drawing(compartments(model(species), molecule))
    made = [
        (text.attrib["data-route"], text.attrib["data-to"])
        for text in picture.iter(f"{SVG}text")
        if text.get("class") == "route"
    ]
    entries = ketamine(species).entries
    assert sorted(made) == sorted((e.route, e.state) for e in entries if e.molecule == molecule)


@pytest.mark.parametrize("hand", "SR")
def test_the_columns_of_what_is_drawn_sum_to_nothing_and_its_ends_are_empty(hand: str) -> None:
    traced = model()
    drawn = compartments(traced, f"{hand}-ketamine")
    at, entries = traced.matrix_function
    number = np.random.default_rng(7)
    groups = (traced.parameters, traced.covariates, traced.inputs)
    # Whatever the constants are: an identity, so that numbers drawn at random show it.
    values = entries(*(list(number.uniform(0.1, 0.9, (len(names), 50))) for names in groups))
    names = {s.name for s in drawn.states}
    for j, name in enumerate(traced.linear):
        if name in names:
            column = [v for (i, at_j), v in zip(at, values, strict=True)
                      if at_j == j and traced.linear[i] in names]  # fmt: skip
            size = np.abs(column).max(axis=0) if column else 1
            assert np.all(np.abs(sum(column)) <= 1e-13 * size), name
    assert drawn.ends == (f"{hand}_unabsorbed", f"{hand}_eliminated")
    assert states_of(drawing(drawn), ("end",)) == list(drawn.ends)


def test_massless_states_stand_apart_with_what_they_follow() -> None:
    drawn = compartments(model(), "S-ketamine")
    follows = {state.name: sources for state, sources in drawn.following}
    assert follows == {
        f"S_{site}_{analyte}": (f"S_{analyte}{'' if analyte[0] == 'd' else '_central'}",)
        for analyte in ("ketamine", "norketamine", "dehydronorketamine", "hydroxynorketamine")
        for site in ("arm", "effect")
    }
    picture = drawing(drawn)
    assert states_of(picture, ("follows",)) == list(follows)
    assert not {name for flow in flows_of(picture) for name in flow} & follows.keys()


def test_both_enantiomers_have_the_same_picture() -> None:
    s, r = (flows_of(drawing(compartments(model(), f"{h}-ketamine"))) for h in "SR")
    assert [(a[1:], b[1:]) for a, b in s] == [(a[1:], b[1:]) for a, b in r]


# --- a changed model ------------------------------------------------------------------------------


def make(**own: Any) -> Layer:
    """Gut, blood and tissue, and what is excreted."""

    def equations(m: Any, v: Values) -> Equations:
        up, out, there, back = v.k * v.gut, v.k * v.blood, 2 * v.k * v.blood, v.k * v.tissue
        return Equations(
            {
                "gut": -up,
                "blood": up - out - there + back,
                "tissue": there - back,
                "gone": out,
                "seen": v.k * (v.blood - v.seen),
            },
            {"plasma:drug": v.blood},
        )

    names = ("gut", "blood", "tissue", "gone")
    layer = Layer(
        "body",
        equations,
        outputs=(Output("plasma:drug", "umol", ""),),
        states=(
            *(State(name, "umol", f"the {name}", mole=True) for name in names),
            State("seen", "umol/L", "what is seen"),
        ),
        parameters=(Parameter("k", "1/h", "im_absorption_rate"),),
        entries=(Entry("oral", "drug", "gut"), Entry("iv", "drug", "blood")),
        linear=True,
    )
    return replace(layer, **own)


def draw(layer: Layer) -> str:
    return write_svg(compartments(trace(join((layer,))), "drug"))


def with_flow(layer: Layer) -> Layer:
    """The same, with something that the tissue loses."""

    def equations(m: Any, v: Values) -> Equations:
        made = layer.equations(m, v)
        more = {"tissue": -v.k * v.tissue, "gone": v.k * v.tissue}
        rates = {name: rate + more.get(name, 0) for name, rate in made.rates.items()}
        return Equations(rates, made.outputs)

    return replace(layer, equations=equations)


def test_a_changed_model_is_another_picture() -> None:
    before = draw(make())
    assert draw(make()) == before
    picture = ET.fromstring(before)
    assert flows_of(picture) == [
        ("gut", "blood"),
        ("blood", "tissue"),
        ("blood", "gone"),
        ("tissue", "blood"),
    ]
    after = ET.fromstring(draw(with_flow(make())))
    assert set(flows_of(after)) - set(flows_of(picture)) == {("tissue", "gone")}
    fewer = draw(make(entries=(Entry("iv", "drug", "blood"),)))
    assert states_of(ET.fromstring(fewer)) == ["blood", "tissue", "gone"]
    assert "oral" not in fewer


def test_a_flow_that_cancels_is_none() -> None:
    def equations(m: Any, v: Values) -> Equations:
        made = make().equations(m, v)
        nothing = v.k * v.gut - v.k * v.gut
        return Equations({**made.rates, "gone": made.rates["gone"] + nothing}, made.outputs)

    assert draw(make(equations=equations)) == draw(make())


# --- for every reader -----------------------------------------------------------------------------


def test_the_picture_names_itself_and_says_in_words_what_it_shows() -> None:
    drawn = compartments(model(), "S-ketamine")
    picture = drawing(drawn)
    assert picture.attrib["role"] == "img"
    named = {e.attrib["id"]: e.text for e in picture if "id" in e.attrib}
    assert picture.attrib["aria-labelledby"].split() == list(named)
    assert named["title"] == "Compartments of S-ketamine"
    for source, target in drawn.flows:
        assert f"{drawn.label(source)} to {drawn.label(target)}" in (named["desc"] or "")
    words = {
        "".join(text.itertext()).strip()
        for group in picture.iter(f"{SVG}g")
        for text in group.iter(f"{SVG}text")
    }
    assert {drawn.label(s.name) for s in drawn.states} <= words
    meanings = {g.findtext(f"{SVG}title") for g in picture.iter(f"{SVG}g")}
    assert {s.meaning for s in drawn.states} <= meanings


def test_names_are_escaped() -> None:
    odd = State("gone", "umol", 'lost & "gone" <for good>', mole=True)
    layer = make()
    text = draw(replace(layer, states=(*layer.states[:3], odd, layer.states[4])))
    found = [g.findtext(f"{SVG}title") for g in ET.fromstring(text).iter(f"{SVG}g")]
    assert odd.meaning in found


def test_the_table_says_the_same_as_the_picture() -> None:
    drawn = compartments(model(), "S-ketamine")
    rows = [line.strip("| ").split(" | ") for line in flow_table(drawn).splitlines()[2:]]
    assert [row[0] for row in rows] == [drawn.label(s.name) for s in drawn.states]
    by_label = {drawn.label(s.name): s.name for s in drawn.states}
    table = {
        (by_label[row[0]], by_label[to])
        for row in rows
        if row[-1] != "nothing: an end"
        for to in row[-1].split(", ")
    }
    assert table == set(drawn.flows)


# --- the layout -----------------------------------------------------------------------------------

graphs = st.integers(1, 9).flatmap(
    lambda n: st.tuples(
        st.just([f"box{i}" for i in range(n)]),
        st.sets(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] != e[1]),
            max_size=20,
        ).map(lambda found: [(f"box{a}", f"box{b}") for a, b in sorted(found)]),
    )
)


@given(graphs)
def test_arrows_run_down_and_boxes_do_not_overlap(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    boxes, edges = graph
    rows, back = rank(boxes, edges)
    assert all(rows[a] < rows[b] for a, b in edges if (a, b) not in back)
    widths = {box: 20.0 + 10 * i for i, box in enumerate(boxes)}
    layout, up = lay_out(widths, edges, 5.0)
    assert set(up) == set(back)
    for a, b in combinations(boxes, 2):
        (x, row), (other, below) = layout.places[a], layout.places[b]
        if row == below:
            assert abs(x - other) >= (widths[a] + widths[b]) / 2 + 5 - 1e-6
    for box, (x, _) in layout.places.items():
        assert x - widths[box] / 2 >= -1e-6
        assert x + widths[box] / 2 <= layout.width + 1e-6
    # No line runs through a box: its bends keep away from them.
    for bends in ((edge, found) for edge, found in layout.bends.items()):
        (start, _), found = bends
        for step, bend in enumerate(found, 1):
            row = layout.places[start][1] + step
            for box, (x, at) in layout.places.items():
                assert at != row or abs(bend - x) >= widths[box] / 2 + 5 - 1e-6


def test_a_chain_is_drawn_straight_down() -> None:
    layout, _ = lay_out({"a": 30.0, "b": 60.0, "c": 40.0}, [("a", "b"), ("b", "c")], 5.0)
    assert [layout.places[box][1] for box in "abc"] == [0, 1, 2]
    assert [layout.places[box][0] for box in "abc"] == pytest.approx([30.0] * 3, abs=1e-3)


def test_no_two_words_of_the_picture_of_ketamine_meet() -> None:
    """Words in one line of the picture keep apart, by the width of their letters."""
    spans: dict[float, list[tuple[float, float]]] = {}
    text = write_svg(compartments(model(), "S-ketamine"))
    for x, y, word in re.findall(r'<tspan x="([\d.]+)" y="([\d.]+)">([^<]+?) ?</tspan>', text):
        half = len(word) * 5.8 / 2
        spans.setdefault(float(y), []).append((float(x) - half, float(x) + half))
    assert sum(map(len, spans.values())) > 50
    for found in spans.values():
        found.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(found))
