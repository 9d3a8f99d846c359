"""Groups of states that belong together, against the graph routines of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from ketalab.engine._links import Links, reach, split_apart, split_circles


@st.composite
def draw_links(draw: st.DrawFn) -> Links:
    size = draw(st.integers(1, 9))
    entries = draw(st.lists(st.booleans(), min_size=size * size, max_size=size * size))
    return np.array(entries).reshape(size, size) & draw(st.booleans() | st.just(True))


@given(draw_links())
@pytest.mark.parametrize(
    ("split", "connection"), [(split_apart, "weak"), (split_circles, "strong")]
)
def test_groups_are_those_of_scipy_by_their_first_states(split, connection, links) -> None:
    count, label = connected_components(links, connection=connection)
    expected = sorted(tuple(np.nonzero(label == i)[0]) for i in range(count))
    assert [tuple(group) for group in split(links)] == expected


def test_what_lies_downstream_includes_the_start_and_nothing_upstream() -> None:
    links = np.zeros((4, 4), dtype=bool)
    links[1, 0] = links[2, 1] = True  # 0 feeds 1 feeds 2; 3 stands alone
    assert reach(links, np.array([False, True, False, False])).tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_no_states_are_no_groups() -> None:
    assert split_apart(np.zeros((0, 0), dtype=bool)) == []
