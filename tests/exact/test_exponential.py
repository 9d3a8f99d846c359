"""Matrix exponentials against many digits (mpmath), entry by entry, on stiff systems of compartments.

``_stiff.py`` makes the systems, and says how near is near enough and why.
"""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import expm

from ketalab.engine import Block, Ladder, radau
from ketalab.engine._exponential import (
    SMALL,
    exponentials,
    norms,
    small_exponential,
    squares,
    squarings,
    terms,
)

Array = NDArray[np.float64]
stiff = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_stiff.py"))))
ALLOWED = stiff.ALLOWED
KINDS = stiff.KINDS
LACKING = stiff.LACKING
LAST_DIGIT = stiff.LAST_DIGIT
TWO_YEARS = stiff.TWO_YEARS
between = stiff.between
build = stiff.build
check_entries = stiff.check_entries
closed_system = stiff.closed_system
exact = stiff.exact
nearly_equal_chain = stiff.nearly_equal_chain
open_system = stiff.open_system

# --- against many digits --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_of_a_stiff_system_is_right(
    kind: Callable[[np.random.Generator, int], Array],
) -> None:
    rng = np.random.default_rng(20)
    for size in (1, 2, 3, 5, 8, 12):
        matrix = kind(rng, size)
        for hours in (1e-9, between(rng, 1e-6, 1e4), TWO_YEARS)[:: 1 if size < 8 else 2]:
            made, _ = exponentials((matrix * hours)[None])
            check_entries(made[0], exact(matrix, hours), float(norms(matrix * hours)))


@settings(max_examples=25)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
    st.floats(-9, np.log10(TWO_YEARS)),
)
def test_every_entry_is_right_at_any_time(
    kind: Callable[[np.random.Generator, int], Array], size: int, seed: int, power: float
) -> None:
    matrix, hours = kind(np.random.default_rng(seed), size), 10.0**power
    made, _ = exponentials((matrix * hours)[None])
    check_entries(made[0], exact(matrix, hours), float(norms(matrix * hours)))


@pytest.mark.parametrize("stages", [2, 20, 40])
@pytest.mark.parametrize("product", [1e-3, 0.4, 7.0, 150.0, 600.0])
def test_a_transit_chain_is_a_poisson_distribution(stages: int, product: float) -> None:
    matrix = build(stages, [(j + 1 if j + 1 < stages else None, j, product) for j in range(stages)])
    with mpmath.workdps(50):
        z = mpmath.mpf(product)
        poisson = [float(z**n * mpmath.exp(-z) / mpmath.factorial(n)) for n in range(stages)]
    made, _ = exponentials(matrix[None])
    check_entries(made[0][:, 0], np.array(poisson), 2 * product)
    ladder = Ladder(Block(tuple(range(stages)), (), matrix[None]), 1.0, radau(4).nodes, (), 5)
    check_entries(ladder.advance(np.eye(stages)[:1], 1.0)[0], np.array(poisson), 2 * product)


def test_what_a_closed_system_holds_stays() -> None:
    rng = np.random.default_rng(3)
    for size in (2, 5, 9):
        matrix = closed_system(rng, size)
        for hours in (1e-3, 1.0, 100.0):
            made, _ = exponentials((matrix * hours)[None])
            norm = float(norms(matrix * hours))
            np.testing.assert_allclose(made[0].sum(axis=0), 1, rtol=8 * LAST_DIGIT * (norm + size))


def test_the_difference_to_one_keeps_the_digits_of_slow_states() -> None:
    rates = np.array([1e4, 1e-12, 1e-7, 3.0])
    matrix = np.diag(-rates)
    matrix[3, 0] = 1e4
    _, less_one = exponentials(100 * matrix[None])
    np.testing.assert_allclose(less_one[0], np.expm1(-100 * rates), rtol=1e-13)


def test_where_an_eigensolver_and_pade_lose_their_digits_this_does_not() -> None:
    """The ruler can tell: measured by it, two other methods fail, and by far."""
    matrix = nearly_equal_chain(np.random.default_rng(1), 6)
    matrix *= 40 / np.abs(matrix).max()
    expected, norm = exact(matrix), float(norms(matrix))
    values, vectors = np.linalg.eig(matrix)
    modes = ((vectors * np.exp(values)) @ np.linalg.inv(vectors)).real
    check_entries(exponentials(matrix[None])[0][0], expected, norm)
    for other in (modes, expm(matrix)):
        with pytest.raises(AssertionError):
            check_entries(np.maximum(other, 0), expected, 100 * norm)


@pytest.mark.parametrize("seed", range(4))
def test_negative_coefficients_are_right_relative_to_the_largest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for size in (2, 4, 7):
        matrix = rng.normal(size=(size, size)) * 10 ** rng.uniform(-2, 1, (size, size))
        matrix -= np.eye(size) * np.abs(np.linalg.eigvals(matrix)).max()
        turn = np.array([[-0.1, 30.0], [-30.0, -0.1]])
        for each in (matrix, turn):
            for hours in (1e-6, 0.3, 4.0):
                expected = exact(each, hours)
                made = exponentials(each[None] * hours)[0][0]
                ladder = Ladder(
                    Block(tuple(range(len(each))), (), each[None]), hours, radau(4).nodes, (), 3
                )
                steps = [ladder.advance(x[None], hours)[0] for x in np.eye(len(each))]
                # Squares of what turns or leans go through entries larger than the last ones.
                size_on_the_way = max(1.0, np.abs(expected).max(), norms(each * hours))
                for given_by in (made, np.array(steps).T):
                    assert np.abs(given_by - expected).max() < 1e-13 * size_on_the_way**2


def test_what_grows_is_right_too() -> None:
    matrix = np.array([[3.0, 0.2], [1.0, -4.0]])
    for hours in (0.1, 20.0):
        made, less_one = exponentials(matrix[None] * hours)
        check_entries(made[0], exact(matrix, hours), 7 * hours)
        np.testing.assert_allclose(less_one[0], np.diag(made[0]) - 1, rtol=1e-13)


# --- edges ----------------------------------------------------------------------------------------


def test_no_states_and_no_matrices_are_no_trouble() -> None:
    for shape in ((3, 0, 0), (0, 4, 4), (0, 0, 0)):
        made, less_one = exponentials(np.zeros(shape))
        assert made.shape == shape
        assert less_one.shape == shape[:-1]


def test_the_zero_matrix_gives_the_identity_to_the_last_bit() -> None:
    made, less_one = exponentials(np.zeros((2, 3, 3)))
    np.testing.assert_array_equal(made, [np.eye(3)] * 2)
    np.testing.assert_array_equal(less_one, 0)


@given(st.floats(-700, 700) | st.floats(-1e-3, 1e-3))
def test_one_state_is_the_exponential_function(x: float) -> None:
    made, less_one = exponentials(np.array([[[x]]]))
    allowed = ALLOWED * LAST_DIGIT * (abs(x) + 1)
    assert made[0, 0, 0] == pytest.approx(math.exp(x), rel=allowed, abs=0)
    assert less_one[0, 0] == pytest.approx(math.expm1(x), rel=allowed, abs=1e-310)


@pytest.mark.parametrize("norm", [1e8, 1e12, 1e60, 1e300, 8e307])
def test_a_very_fast_rate_empties_its_state_and_leaves_the_others_alone(norm: float) -> None:
    matrix = build(4, [(1, 0, norm), (3, 2, 0.5)])
    made, _ = exponentials(matrix[None])
    assert np.all(made >= 0)
    assert made[0, 0, 0] == 0
    if norm < 1e100:  # above, one half is less than a rounding of the sums on the way
        assert made[0, 2, 2] == pytest.approx(math.exp(-0.5), rel=1e-14)


def test_scales_far_apart_stand_side_by_side() -> None:
    matrix = build(4, [(1, 0, 1e-200), (2, 1, 1e-9), (None, 2, 1e5), (None, 3, 1e-150)])
    made, less_one = exponentials(matrix[None])
    assert made[0, 1, 0] == pytest.approx(1e-200, rel=1e-9)
    assert less_one[0, 3] == pytest.approx(-1e-150, rel=1e-12)
    assert made[0, 2, 1] == pytest.approx(1e-14, rel=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308])
def test_a_matrix_that_is_no_number_gives_nan_and_spoils_no_other(value: float) -> None:
    good = np.stack([closed_system(np.random.default_rng(n), 3) for n in range(4)])
    bad = good.copy()
    bad[2] = value
    made, less_one = exponentials(bad)
    assert np.all(np.isnan(made[2]))
    assert np.all(np.isnan(less_one[2]))
    others = [0, 1, 3]
    assert made[others].tobytes() == exponentials(good[others])[0].tobytes()


def test_what_grows_beyond_all_numbers_spoils_no_other() -> None:
    matrix = np.stack([np.eye(2) * 1e5, -np.eye(2)])
    made, _ = exponentials(matrix)
    assert not np.isfinite(made[0]).all()
    np.testing.assert_allclose(made[1], np.eye(2) * math.exp(-1), rtol=1e-14)


@pytest.mark.parametrize("members", [[0], [11], [3, 8], list(range(12))])
def test_a_matrix_has_the_same_bytes_alone_and_among_others(members: list[int]) -> None:
    rng = np.random.default_rng(8)
    matrix = np.stack([open_system(rng, 6) for _ in range(12)])
    made, less_one = exponentials(matrix)
    alone, alone_less_one = exponentials(matrix[members])
    assert alone.tobytes() == made[members].tobytes()
    assert alone_less_one.tobytes() == less_one[members].tobytes()


def test_many_matrices_are_computed_in_pieces_and_all_of_them() -> None:
    rates = np.linspace(1.0, 1.9, 40_000)
    made, _ = exponentials(-rates[:, None, None] * np.eye(2))
    np.testing.assert_allclose(made[:, 1, 1], np.exp(-rates), rtol=1e-14)
    np.testing.assert_array_equal(made[:, 0, 1], 0)


@given(st.floats(0, 1e300))
def test_halving_brings_the_norm_just_below_the_polynomials(norm: float) -> None:
    count = int(squarings(np.array(norm)))
    assert math.ldexp(norm, -count) <= SMALL
    assert count == 0 or math.ldexp(norm, 1 - count) > SMALL


@pytest.mark.parametrize("norm", [SMALL, 1e-2, 1e-6, 1e-200, 0.0])
def test_what_the_series_lacks_is_below_the_floor(norm: float) -> None:
    count = terms(norm)
    assert norm ** (count + 1) / math.factorial(count + 1) <= LACKING
    assert count == 1 or norm**count / math.factorial(count) > LACKING


def test_each_square_is_the_one_before_twice() -> None:
    matrix = open_system(np.random.default_rng(5), 5)[None]
    matrix = np.ldexp(matrix, -int(squarings(norms(matrix))[0]))
    rungs = squares(small_exponential(matrix))
    for doubled in range(18):
        rung = next(rungs)
        scaled = np.ldexp(matrix, doubled)
        check_entries(rung.whole()[0], exact(scaled[0]), float(norms(scaled)[0]))
        assert set(rung.kept.ravel()) <= {0.0, 1.0}
        x = np.random.default_rng(doubled).uniform(size=(1, 5))
        np.testing.assert_allclose(rung.apply(x)[0], rung.whole()[0] @ x[0], rtol=1e-14)
