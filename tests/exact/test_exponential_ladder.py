"""The ladder of a block against many digits (mpmath): infusions, the body, very many steps."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from ketalab.engine import Block, Ladder, radau, split_blocks
from ketalab.engine._exponential import Power, exponentials, norms
from ketalab.laboratory import human_model, individuals
from ketalab.laboratory._course import make_problem
from ketalab.people import Population, Streams, typical_people

Array = NDArray[np.float64]
stiff = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_stiff.py"))))
KINDS = stiff.KINDS
TWO_YEARS = stiff.TWO_YEARS
build = stiff.build
check_entries = stiff.check_entries
depots = stiff.depots
equal_chain = stiff.equal_chain
exact = stiff.exact
nearly_equal_chain = stiff.nearly_equal_chain
open_system = stiff.open_system


def with_inflow(matrix: Array, *entries: int) -> Block:
    (block,) = split_blocks(matrix[None], set(entries))
    return block


@pytest.mark.parametrize("kind", [open_system, equal_chain, nearly_equal_chain, depots])
def test_infusions_into_a_stiff_system_are_right_in_every_state(
    kind: Callable[[np.random.Generator, int], Array],
) -> None:
    rng = np.random.default_rng(11)
    for size in (2, 4, 7):
        matrix = kind(rng, size) + build(size, [(j + 1, j, 1e-3) for j in range(size - 1)])
        block = with_inflow(matrix, 0, size - 1)
        ladder = Ladder(block, 30.0, radau(4).nodes, tuple(range(size + 2)), 6)
        x = np.concatenate([rng.uniform(0, 1, size), [3.0, 0.2]])
        for hours in (30.0, 7.3, 1e-4, 1e-9):
            norm = float(norms(block.matrix[0] * hours))
            expected = exact(block.matrix[0], hours) @ x
            check_entries(ladder.advance(x[None], hours)[0], expected, norm + size)
        nodes = ladder.nodes(x[None], 2)[:, :, 0]
        for place, share in enumerate(radau(4).nodes):
            expected = exact(block.matrix[0], 7.5 * float(share)) @ x
            norm = float(norms(block.matrix[0] * 7.5))
            check_entries(nodes[:, place], expected, norm + size)


def body(weight: float) -> Array:
    """The matrix of the typical person of a weight, per hour."""
    model = human_model()
    people = typical_people(Population(weight_kg=weight))
    drawn = individuals(model, people, Streams(0), "none", vary=False)
    return make_problem(model, drawn).matrix


@pytest.mark.parametrize("weight", [3.0, 70.0, 300.0])
def test_the_body_is_right_in_every_state_from_a_microsecond_to_two_years(weight: float) -> None:
    for number, block in enumerate(split_blocks(body(weight), {0})):
        matrix = block.matrix[0]
        ladder = Ladder(block, TWO_YEARS, radau(4).nodes, (), 4)
        for hours in (1e-9, 0.01, 40 / 60, 24.0, TWO_YEARS)[number::2]:
            norm = float(norms(matrix * hours))
            expected = exact(matrix, hours)
            made, _ = exponentials(matrix[None] * hours)
            check_entries(made[0], expected, norm)
            start = np.zeros((1, len(matrix)))
            start[0, 0] = 70.0
            check_entries(ladder.advance(start, hours)[0], 70.0 * expected[:, 0], 2 * norm + 13)


def test_nothing_is_negative_after_any_number_of_steps() -> None:
    rng = np.random.default_rng(9)
    for kind in KINDS:
        matrix = kind(rng, 8)
        ladder = Ladder(with_inflow(matrix, 0), 5.0, radau(4).nodes, tuple(range(9)), 12)
        x = np.concatenate([np.eye(8)[rng.integers(8)], [0.0]])[None]
        for hours in (*rng.uniform(0, 5, 10), 1e-12, 5.0):
            assert np.all(ladder.nodes(x, int(rng.integers(13))) >= 0)
            x = ladder.advance(x, float(hours))
            assert np.all(x >= 0)


def test_ten_thousand_doses_over_two_years_keep_their_digits() -> None:
    """A slow state beside fast ones, moved 80,000 times."""
    matrix = build(3, [(1, 0, 400.0), (0, 1, 30.0), (2, 0, 1.0), (None, 2, 1e-6)])
    interval, doses, level = TWO_YEARS / 10_000, 10_000, 3
    ladder = Ladder(with_inflow(matrix), interval, radau(4).nodes, (), level)
    x = np.zeros((1, 3))
    for _ in range(doses):
        x[0, 0] += 1.0
        for _ in range(2**level):
            x = ladder.step(x, level)
    with mpmath.workdps(40):
        one = mpmath.expm(mpmath.matrix(matrix.tolist()) * mpmath.mpf(interval))
        total, start = mpmath.zeros(3, 1), mpmath.matrix([1, 0, 0])
        for _ in range(doses):
            total = one * (total + start)
        expected = np.array([float(value) for value in total])
    # Measured: 6e-14; with the rounded diagonal of exp(A h) the slow state is off by 1e-12.
    np.testing.assert_allclose(x[0], expected, rtol=4e-13)


def test_a_slow_state_that_is_moved_in_tiny_steps_loses_what_it_should() -> None:
    """Six parts in 1e12 a step: what is applied is that, and not one less that, rounded."""
    matrix = np.diag([-5e3, -1e-4])
    ladder = Ladder(with_inflow(matrix[1:, 1:]), 2.0**-4, radau(4).nodes, (), 20)
    rung: Power = ladder.rungs[20]
    assert rung.rest[0, 0, 0] == pytest.approx(math.expm1(-1e-4 * 2.0**-24), rel=1e-15)
    pair = Ladder(Block((0, 1), (), matrix[None]), 2.0**-4, radau(4).nodes, (), 20)
    assert pair.rungs[20].less_one()[0, 1] == pytest.approx(-1e-4 * 2.0**-24, rel=1e-11)
