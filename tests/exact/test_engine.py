"""The engine's parts against what is known: collocation constants, matrix exponentials, blocks."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import expm

from ketalab.engine import Block, Ladder, Segment, norms, radau, split_blocks

Array = NDArray[np.float64]
ROOT6 = math.sqrt(6)

# --- collocation ----------------------------------------------------------------------------------


def test_radau_of_two_and_three_stages_is_the_one_in_the_book() -> None:
    two, three = radau(2), radau(3)
    np.testing.assert_allclose(two.nodes, [1 / 3, 1], rtol=1e-14)
    np.testing.assert_allclose(two.weights, [[5 / 12, -1 / 12], [3 / 4, 1 / 4]], rtol=1e-14)
    np.testing.assert_allclose(three.nodes, [(4 - ROOT6) / 10, (4 + ROOT6) / 10, 1], rtol=1e-14)
    book = [
        [(88 - 7 * ROOT6) / 360, (296 - 169 * ROOT6) / 1800, (-2 + 3 * ROOT6) / 225],
        [(296 + 169 * ROOT6) / 1800, (88 + 7 * ROOT6) / 360, (-2 - 3 * ROOT6) / 225],
        [(16 - ROOT6) / 36, (16 + ROOT6) / 36, 1 / 9],
    ]
    np.testing.assert_allclose(three.weights, book, rtol=1e-13)


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 5])
def test_the_order_conditions_hold(stages: int) -> None:
    method = radau(stages)
    nodes, weights = method.nodes, method.weights
    assert nodes[-1] == 1.0
    assert np.all(np.diff(nodes) > 0)
    assert nodes[0] > 0
    for k in range(1, 2 * stages):  # order 2 s - 1 of the whole step
        assert weights[-1] @ nodes ** (k - 1) == pytest.approx(1 / k, abs=1e-13)
    for k in range(1, stages + 1):  # order s of every node
        np.testing.assert_allclose(weights @ nodes ** (k - 1), nodes**k / k, atol=1e-13)


@pytest.mark.parametrize("stages", [2, 3, 4, 5])
def test_a_very_stiff_state_is_at_rest_after_one_step(stages: int) -> None:
    method = radau(stages)
    end = (method.solve_factors(np.array([1e12])) @ np.ones(1))[..., -1, :].sum()
    assert abs(end) < 1e-9


def test_solve_factors_are_the_inverse() -> None:
    method = radau(4)
    z = np.array([0.0, 1e-6, 0.3, 7.0, 1e4])
    factors = method.solve_factors(z)
    for n, value in enumerate(z):
        product = factors[:, :, n] @ (np.eye(4) + value * method.weights)
        np.testing.assert_allclose(product, np.eye(4), atol=1e-9 if value > 1e3 else 1e-12)


@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5), st.floats(0, 1))
def test_dense_output_gives_back_a_polynomial_of_its_degree(c: list[float], place: float) -> None:
    method = radau(4)
    polynomial = np.polynomial.Polynomial(c)
    made = method.interpolate(np.array([polynomial(0.0)]), polynomial(method.nodes)[:, None], place)
    assert float(made[0]) == pytest.approx(polynomial(place), abs=1e-12)


# --- matrix exponentials --------------------------------------------------------------------------


def exact(matrix: Array, hours: float, digits: int = 60) -> Array:
    """exp(A t) in many digits."""
    with mpmath.workdps(digits):
        made = mpmath.expm(mpmath.matrix(matrix.tolist()) * mpmath.mpf(hours))
        return np.array([[float(x) for x in row] for row in made.tolist()])


def make_block(*matrices: Array, entries: tuple[int, ...] = ()) -> Block:
    """A block of one patient a matrix, with inflow into the entries."""
    stack = np.stack(matrices)
    count, b = stack.shape[0], stack.shape[1]
    full = np.zeros((count, b + len(entries), b + len(entries)))
    full[:, :b, :b] = stack
    for column, row in enumerate(entries):
        full[:, row, b + column] = 1.0
    return Block(tuple(range(b)), entries, full)


def make_ladder(block: Block, length: float, finest: int = 8) -> Ladder:
    watched = tuple(range(block.matrix.shape[1]))
    return Ladder(block, length, radau(4).nodes, watched, finest)


@st.composite
def compartments(draw: st.DrawFn) -> Array:
    """A system of compartments that exchange and lose mass, rates over six decades, some alike."""
    size = draw(st.integers(2, 6))
    rate = st.sampled_from([0.0, 0.5, 6.0]) | st.floats(-3, 3).map(lambda x: 10**x)
    matrix = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            if i != j:
                k = draw(rate) if draw(st.booleans()) else 0.0
                matrix[i, j] += k
                matrix[j, j] -= k
    for j in range(size):
        matrix[j, j] -= draw(rate)
    return matrix


def chain(size: int, rate: float) -> Array:
    """A delay chain: one eigenvalue, as often as there are stages, and no eigenvectors for it."""
    return rate * (np.eye(size, k=-1) - np.eye(size))


@settings(max_examples=25)
@given(compartments(), st.floats(0.01, 200), st.floats(0, 1))
def test_a_compartment_system_is_advanced_by_any_time(
    matrix: Array, length: float, share: float
) -> None:
    ladder = make_ladder(make_block(matrix), length)
    hours = share * length
    for start in np.eye(len(matrix)):
        made = ladder.advance(start[None], hours)[0]
        np.testing.assert_allclose(made, exact(matrix, hours) @ start, atol=2e-13, rtol=0)


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize(
    ("rate", "length"), [(0.01, 1.0), (6.0, 24.0), (400.0, 10.0), (5.0, 0.001)]
)
def test_a_delay_chain_is_exact_though_its_eigenvalues_repeat(
    size: int, rate: float, length: float
) -> None:
    matrix = chain(size, rate)
    ladder = make_ladder(make_block(matrix), length)
    start = np.eye(size)[0]
    for level in (0, 3, 8):
        hours = length / 2**level
        poisson = [
            math.exp(n * math.log(rate * hours) - rate * hours - math.lgamma(n + 1))
            for n in range(size)
        ]
        made = ladder.step(start[None], level)[0]
        np.testing.assert_allclose(made, poisson, atol=1e-13, rtol=1e-9)


def test_slow_modes_keep_their_digits_beside_fast_ones() -> None:
    matrix = np.diag([-1e4, -1e-7, -3.0])
    ladder = make_ladder(make_block(matrix), 100.0)
    made = ladder.step(np.ones((1, 3)), 0)[0]
    assert made[1] - 1 == pytest.approx(math.expm1(-1e-5), rel=1e-10)
    assert abs(made[0]) < 1e-15


@given(st.lists(st.integers(0, 8), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_steps_advance_and_nodes_agree(levels: list[int], seed: int) -> None:
    matrix = np.array([[-7.0, 1.0, 0.3], [6.0, -1.5, 0.0], [0.5, 0.5, -0.31]])
    ladder = make_ladder(make_block(matrix, entries=(1,)), 48.0)
    x = np.random.default_rng(seed).uniform(0, 1, (1, 4))
    for level in levels:
        hours = 48.0 / 2**level
        end = ladder.step(x, level)
        np.testing.assert_allclose(ladder.advance(x, hours), end, atol=1e-12)
        nodes = ladder.nodes(x, level)
        assert nodes.shape == (4, 4, 1)
        np.testing.assert_allclose(nodes[:, -1, 0], end[0], atol=1e-12)
        for place, node in enumerate(radau(4).nodes[:-1]):
            inside = ladder.advance(x, hours * node)[0]
            np.testing.assert_allclose(nodes[:, place, 0], inside, atol=1e-12)


@settings(max_examples=25)
@given(compartments(), st.floats(0.01, 50), st.floats(0, 20))
def test_a_constant_inflow_is_exact(matrix: Array, length: float, rate: float) -> None:
    ladder = make_ladder(make_block(matrix, entries=(0,)), length)
    start = np.concatenate([np.zeros(len(matrix)), [rate]])[None]
    for hours in (length, length / 3):
        made = ladder.advance(start, hours)[0]
        expected = exact(ladder.block.matrix[0], hours) @ start[0]
        np.testing.assert_allclose(made, expected, atol=1e-12 * max(1.0, rate * hours), rtol=0)
        assert made[-1] == rate


@given(compartments())
def test_the_exponential_of_another_library_agrees(matrix: Array) -> None:
    made = make_ladder(make_block(matrix), 2.0).step(np.eye(len(matrix))[:1], 0)[0]
    np.testing.assert_allclose(made, expm(2.0 * matrix)[:, 0], atol=1e-11)


def test_patients_in_one_block_do_not_meet() -> None:
    rng = np.random.default_rng(4)
    matrices = [chain(3, rate) for rate in (0.2, 30.0, 900.0)]
    together = make_ladder(make_block(*matrices), 12.0)
    x = rng.uniform(0, 1, (3, 3))
    for n, matrix in enumerate(matrices):
        alone = make_ladder(make_block(matrix), 12.0)
        expected = exact(matrix, 5.0) @ x[n]
        np.testing.assert_allclose(together.advance(x, 5.0)[n], expected, atol=1e-13)
        np.testing.assert_allclose(alone.advance(x[n : n + 1], 5.0)[0], expected, atol=1e-13)


def test_the_norm_of_a_matrix_is_its_largest_column_sum() -> None:
    matrices = np.array([[[-1.0, 2.0], [1.0, -5.0]], [[0.0, 0.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(norms(matrices), [7.0, 0.0])


@pytest.mark.parametrize("members", [[0], [7], [2, 5], [6, 1, 3], list(range(8))])
def test_a_patient_has_the_same_bytes_alone_and_among_much_faster_ones(members: list[int]) -> None:
    matrices = [chain(4, rate) for rate in np.geomspace(1e-3, 1e4, 8)]
    x = np.random.default_rng(2).uniform(0, 1, (8, 4))
    together = make_ladder(make_block(*matrices), 24.0)
    alone = make_ladder(make_block(*(matrices[i] for i in members)), 24.0)
    for hours in (24.0, 1.7, 1e-5):
        own = alone.advance(x[members], hours).tobytes()
        assert own == together.advance(x, hours)[members].tobytes()
    for level in (0, 5):
        nodes = together.nodes(x, level)[..., members]
        assert alone.nodes(x[members], level).tobytes() == nodes.copy().tobytes()


# --- blocks ---------------------------------------------------------------------------------------


def test_states_that_never_meet_fall_into_blocks_of_their_own() -> None:
    matrix = np.zeros((2, 5, 5))
    matrix[:, range(5), range(5)] = -1.0
    matrix[0, 3, 0] = 2.0  # in one patient only, and that is enough
    matrix[1, 4, 2] = 2.0
    blocks = split_blocks(matrix, {0, 1})
    assert [block.index for block in blocks] == [(0, 3), (1,), (2, 4)]
    assert [block.entries for block in blocks] == [(0,), (0,), ()]
    np.testing.assert_array_equal(blocks[0].matrix[0], [[-1, 0, 1], [2, -1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(blocks[0].matrix[1], [[-1, 0, 1], [0, -1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(blocks[2].matrix[1], [[-1, 0], [2, -1]])


@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_blocks_hold_every_state_once_and_every_rate(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(2, size, size)) * (rng.uniform(size=(2, size, size)) < 0.2)
    inflow = set(np.nonzero(rng.uniform(size=size) < 0.4)[0].tolist())
    blocks = split_blocks(matrix, inflow)
    assert sorted(i for block in blocks for i in block.index) == list(range(size))
    back = np.zeros_like(matrix)
    for block in blocks:
        b = len(block.index)
        back[np.ix_(range(2), block.index, block.index)] = block.matrix[:, :b, :b]
        assert {block.index[i] for i in block.entries} == inflow & set(block.index)
    np.testing.assert_array_equal(back, matrix)


def test_a_segment_of_some_patients_holds_what_is_theirs() -> None:
    part = Segment(
        0.0, 1.0, ((0, np.array([1.0, 2.0, 3.0])),), (), {"a": np.array([4.0, 5.0, 6.0]), "b": 7.0}
    )
    taken = part.take([2, 0])
    np.testing.assert_array_equal(taken.boluses[0][1], [3.0, 1.0])
    np.testing.assert_array_equal(taken.inputs["a"], [6.0, 4.0])
    assert taken.inputs["b"] == 7.0
