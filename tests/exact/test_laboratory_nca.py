"""Non-compartmental figures: closed forms, laws that any profile obeys, and what is refused.

Agreement with published figures is in ``tests/agreement/test_nca_published.py``.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ketalab.errors import InputError
from ketalab.laboratory import Scenario, bioavailability, exposure, nca, partial_auc, simulate

Array = NDArray[np.float64]
NAN = float("nan")

rates = st.floats(0.05, 3.0)
amounts = st.floats(1.0, 1000.0)
#: Samples: gaps between them, and concentrations, some of them zero and some alike.
gaps = st.lists(st.floats(0.05, 12.0), min_size=3, max_size=12)
levels = st.one_of(st.just(0.0), st.floats(1e-3, 1e4), st.sampled_from([1.0, 5.0]))


@st.composite
def profiles(draw):
    """Times from 0 and as many concentrations, not all of them zero."""
    times = np.concatenate([[0.0], np.cumsum(draw(gaps))])
    values = np.array(draw(st.lists(levels, min_size=len(times), max_size=len(times))))
    assume(values.any())
    return times, values


def absorbed(times: Array, dose: float, ka: float, ke: float, volume: float) -> Array:
    """One compartment (L) with first-order absorption of a dose (mg), in ng/mL."""
    return 1000 * dose / volume * ka / (ka - ke) * (np.exp(-ke * times) - np.exp(-ka * times))


# --- closed forms ----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(gaps, amounts, rates, st.floats(1.0, 300.0))
def test_one_exponential_is_exact_wherever_it_is_sampled(between, dose, rate, volume):
    times = np.concatenate([[0.0], np.cumsum(between)])
    assume(rate * times[-1] < 200)
    found = nca(times, 1000 * dose / volume * np.exp(-rate * times), dose, window="best")
    assert found.half_life == pytest.approx(np.log(2) / rate, rel=1e-9)
    assert found.auc_0_inf == pytest.approx(1000 * dose / volume / rate, rel=1e-9)
    assert found.clearance == pytest.approx(volume * rate, rel=1e-9)
    assert found.volume == pytest.approx(volume, rel=1e-9)
    assert found.mrt == pytest.approx(1 / rate, rel=1e-7)
    assert found.terminal is not None
    # Every line is perfect; the longest is taken.
    assert found.terminal.points == len(between)


@settings(max_examples=30)
@given(st.floats(1.5, 6.0), st.floats(0.1, 0.4), st.floats(0.1, 0.9))
def test_two_exponentials_have_their_area_moment_and_slower_rate(fast, slow, share):
    times = np.concatenate([np.linspace(0, 4, 400), np.linspace(4, 16 / slow, 400)[1:]])
    found = nca(
        times,
        100 * (share * np.exp(-fast * times) + (1 - share) * np.exp(-slow * times)),
        window=(8 / slow, 16 / slow),
    )
    area = 100 * (share / fast + (1 - share) / slow)
    moment = 100 * (share / fast**2 + (1 - share) / slow**2)
    assert found.half_life == pytest.approx(np.log(2) / slow, rel=1e-6)
    assert found.auc_0_inf == pytest.approx(area, rel=1e-4)
    assert found.mrt == pytest.approx(moment / area, rel=1e-4)


def test_the_time_of_absorption_is_in_the_mean_residence_time():
    times = np.linspace(0, 120, 4801)
    found = nca(times, absorbed(times, 50, 1.2, 0.25, 200), 50)
    assert found.mrt == pytest.approx(1 / 1.2 + 1 / 0.25, rel=1e-4)
    assert found.tmax == pytest.approx(np.log(1.2 / 0.25) / (1.2 - 0.25), abs=0.03)
    assert found.extrapolated < 1e-6
    assert (found.auc_0_t, found.clearance) == pytest.approx((1000, 50), rel=1e-4)


def test_bioavailability_compares_areas_over_doses():
    times = np.linspace(0, 120, 4801)
    swallowed = nca(times, absorbed(times, 0.24 * 50, 1.2, 0.25, 200), 50)
    injected = nca(times, 1000 * 30 / 200 * np.exp(-0.25 * times), 30)
    assert bioavailability(swallowed, injected) == pytest.approx(0.24, rel=1e-4)
    assert bioavailability(injected, injected) == 1


@given(rates, st.floats(0.1, 5.0), st.floats(0.1, 5.0))
def test_a_part_of_one_exponential_is_exact_between_its_samples(rate, start, length):
    times = np.array([0.0, 5.0, 10.0])
    end = min(start + length, 10.0)
    exact = 100 / rate * (np.exp(-rate * start) - np.exp(-rate * end))
    assert partial_auc(times, 100 * np.exp(-rate * times), start, end) == pytest.approx(exact)


def test_a_part_of_a_rise_is_that_of_a_straight_line():
    assert partial_auc([0, 10], [0, 20], 2, 7) == pytest.approx((4 + 14) / 2 * 5)


# --- laws ------------------------------------------------------------------------------------------


@given(profiles(), st.floats(0.01, 100.0), st.floats(0.1, 10.0))
def test_figures_scale_with_concentration_and_with_time(profile, height, length):
    times, values = profile
    one = nca(times, values, 10, window="best")
    other = nca(times * length, values * height, 10, window="best")
    if one.terminal is None or other.terminal is None or one.terminal != other.terminal:
        # Lines that are nearly as good as the best may swap places by rounding.
        assume((one.terminal is None) == (other.terminal is None))
        assume(one.terminal is None or one.terminal.points == other.terminal.points)
    area = height * length
    for name, factor in {
        "cmax": height,
        "clast": height,
        "tmax": length,
        "tlast": length,
        "auc_0_t": area,
        "auc_0_inf": area,
        "mrt": length,
        "half_life": length,
        "clearance": 1 / area,
        "volume": 1 / height,
        "extrapolated": 1,
    }.items():
        assert getattr(other, name) == pytest.approx(
            getattr(one, name) * factor, rel=1e-6, abs=1e-9, nan_ok=True
        ), name


@given(profiles(), st.randoms(use_true_random=False))
def test_the_order_in_which_samples_are_given_does_not_matter(profile, random):
    times, values = profile
    order = list(range(len(times)))
    random.shuffle(order)
    for window in (None, "best"):
        assert repr(nca(times, values, 10, window)) == repr(
            nca(times[order], values[order], 10, window)
        )


@given(profiles(), st.data())
def test_a_missing_sample_is_as_if_it_had_not_been_drawn(profile, data):
    times, values = profile
    gone = data.draw(st.lists(st.integers(0, len(times) - 1), max_size=len(times) - 2, unique=True))
    missing = values.copy()
    missing[gone] = np.nan
    kept = np.delete(times, gone), np.delete(values, gone)
    assert repr(nca(times, missing)) == repr(nca(*kept))
    assert partial_auc(times, missing, *kept[0][[0, -1]]) == partial_auc(*kept, *kept[0][[0, -1]])


@given(profiles(), st.floats(0.0, 1.0))
def test_areas_add_up_wherever_the_profile_is_cut(profile, share):
    times, values = profile
    whole, cut = partial_auc(times, values, 0, times[-1]), share * times[-1]
    assume(0 < cut < times[-1])
    parts = partial_auc(times, values, 0, cut) + partial_auc(times, values, cut, times[-1])
    # Below a fall of 1e-5 the rule is linear, and a cut may move an interval below it.
    assert parts == pytest.approx(whole, rel=1e-9)


@given(profiles())
def test_an_area_lies_between_those_of_its_lowest_and_highest_steps(profile):
    times, values = profile
    low, high = np.minimum(values[1:], values[:-1]), np.maximum(values[1:], values[:-1])
    area = partial_auc(times, values, 0, times[-1])
    step = np.diff(times)
    assert low @ step * (1 - 1e-9) <= area <= (low + high) / 2 @ step * (1 + 1e-9)


def test_the_area_of_two_doses_is_the_sum_of_their_areas():
    times = np.linspace(0, 96, 9601)
    first = absorbed(times, 50, 1.2, 0.25, 200)
    second = np.where(times < 24, 0.0, absorbed(np.maximum(times - 24, 0), 30, 0.6, 0.25, 200))
    areas = [nca(times, course).auc_0_inf for course in (first, second, first + second)]
    assert areas[2] == pytest.approx(areas[0] + areas[1], rel=1e-4)


# --- special profiles ------------------------------------------------------------------------------


def test_a_profile_of_zeros_has_areas_of_zero_and_nothing_else():
    found = nca([0, 1, 2], [0, 0, 0], 10)
    assert (found.cmax, found.clast, found.auc_0_t, found.auc_0_inf) == (0, 0, 0, 0)
    rest = (found.tmax, found.tlast, found.half_life, found.mrt, found.clearance, found.volume)
    assert np.isnan(rest).all()
    assert found.terminal is None


@pytest.mark.parametrize("window", [None, "best"])
def test_a_lone_peak_has_an_area_and_no_terminal_phase(window):
    found = nca([0, 1, 2, 3], [0, 0, 8, 0], 10, window)
    assert (found.cmax, found.tmax, found.tlast, found.auc_0_t) == (8, 2, 2, 4)
    assert np.isnan([found.half_life, found.auc_0_inf, found.clearance]).all()


@pytest.mark.parametrize("window", [None, "best", (0, 4)])
def test_a_profile_that_only_rises_or_stays_has_no_terminal_phase(window):
    for values in ([0, 1, 2, 3, 4], [1, 2, 2, 2, 2], [3, 3, 3, 3, 3]):
        if min(values) == 0 and window == (0, 4):
            values = [*values[1:], 5]
        found = nca(range(5), values, window=window)
        assert found.terminal is None
        assert np.isnan(found.auc_0_inf)


@given(st.floats(1e-3, 1e3), gaps)
def test_a_level_after_a_fall_is_no_decline_of_a_million_years(height, between):
    times = np.concatenate([[0.0], np.cumsum(between)])
    values = height * np.where(times > 0, 0.1, 1.0)
    for window in (None, "best", (times[1], times[-1])):
        assert nca(times, values, window=window).terminal is None
    assert np.isnan(exposure(times, values[:, None])["half_life"][0])


@pytest.mark.parametrize("fall", [1e-14, 1e-11, 1e-9, 1e-7, 9e-6, 1.1e-5, 1e-3])
def test_the_area_of_a_slow_fall_does_not_suffer_from_rounding(fall):
    second = 1 - fall
    exact = fall / -np.log1p(-fall)
    assert partial_auc([0, 1], [1, second], 0, 1) == pytest.approx(exact, rel=3e-11)


def test_rises_far_below_the_peak_begin_no_new_decline():
    times = np.linspace(0, 48, 481)
    course = 100 * np.exp(-0.4 * times) + 1e-3 * (1 + np.sin(9 * times))
    found = exposure(times, course[:, None])
    assert found["half_life"][0] == pytest.approx(np.log(2) / 0.4, rel=1e-3)


def test_of_equal_peaks_the_first_is_taken_and_its_plateau_is_a_rectangle():
    found = nca([0, 1, 2, 3, 4, 5], [0, 9, 9, 3, 1, 1 / 3], window="best")
    assert found.tmax == 1
    assert partial_auc([0, 1, 2, 3], [0, 9, 9, 3], 1, 2) == 9
    assert found.half_life == pytest.approx(np.log(2) / np.log(3), rel=0.1)


def test_zeros_at_the_end_are_behind_the_last_sample_that_counts():
    times, values = [0, 1, 2, 3, 4, 6, 8], [0, 8, 4, 2, 1, 0, 0]
    found = nca(times, values, 10, window="best")
    assert repr(found) == repr(nca(times[:5], values[:5], 10, window="best"))
    assert (found.tlast, found.clast) == (4, 1)


def test_the_best_line_leaves_the_distribution_out_and_says_so():
    times = np.array([0, 0.25, 0.5, 1, 2, 4, 6, 8, 12])
    found = nca(times, 90 * np.exp(-3 * times) + 10 * np.exp(-0.2 * times), window="best")
    assert found.terminal is not None
    assert (found.terminal.first_h, found.terminal.last_h, found.terminal.points) == (4, 12, 4)
    assert 0.9999 < found.terminal.r2_adjusted < 1
    assert found.half_life == pytest.approx(np.log(2) / 0.2, rel=0.01)
    assert nca(times, np.exp(-times), window=(1, 8)).terminal.points == 5


# --- what a run reports ----------------------------------------------------------------------------


@given(profiles())
def test_one_profile_has_the_figures_of_a_run(profile):
    times, values = profile
    ours, theirs = nca(times, values), exposure(times, values[:, None])
    for name in ("cmax", "tmax", "half_life"):
        assert getattr(ours, name) == pytest.approx(theirs[name][0], rel=1e-9, nan_ok=True), name
    if values[-1] > 0:
        for name in ("auc_0_t", "auc_0_inf"):
            assert getattr(ours, name) == pytest.approx(theirs[name][0], rel=1e-9, nan_ok=True)


@given(st.lists(profiles(), min_size=2, max_size=4), st.booleans())
def test_no_patient_changes_the_figures_of_another(many, broken):
    length = min(len(times) for times, _ in many)
    times = many[0][0][:length]
    values = np.stack([course[:length] for _, course in many], axis=1)
    if broken:
        values[:, 0] = np.nan
    together = exposure(times, values)
    for number in range(int(broken), len(many)):
        alone = exposure(times, values[:, [number]])
        for name, figure in alone.items():
            np.testing.assert_array_equal(together[name][[number]], figure, err_msg=name)


@pytest.mark.parametrize("doses", [(1, 1, 1), (1, 1, 0.3), (1, 0.1, 0.02), (0.2, 1, 1)])
def test_after_several_doses_the_half_life_is_that_of_the_last_decline(doses):
    times = np.linspace(0, 240, 2401)
    course = sum(
        np.where(times < 72 * i, 0, absorbed(np.maximum(times - 72 * i, 0), dose, 1.5, 0.2, 100))
        for i, dose in enumerate(doses)
    )
    found = exposure(times, np.asarray(course)[:, None])
    assert found["half_life"][0] == pytest.approx(np.log(2) / 0.2, rel=1e-3)
    assert found["auc_0_inf"][0] == pytest.approx(sum(doses) * 1000 / 100 / 0.2, rel=1e-3)


def test_the_half_life_is_that_of_the_course_and_not_of_where_it_is_sampled():
    def half_life(times: Array) -> float:
        course = 90 * np.exp(-1.5 * times) + 10 * np.exp(-0.15 * times)
        return float(exposure(times, course[:, None])["half_life"][0])

    even = half_life(np.linspace(0, 48, 961))
    early = half_life(np.concatenate([np.linspace(0, 3, 2000), np.linspace(3, 48, 91)[1:]]))
    late = half_life(np.concatenate([np.linspace(0, 3, 61), np.linspace(3, 48, 2000)[1:]]))
    assert early == pytest.approx(even, rel=0.005)
    assert late == pytest.approx(even, rel=0.005)


def test_a_course_that_has_left_the_body_needs_no_terminal_phase():
    found = exposure(np.array([0.0, 1, 2]), np.array([[0.0], [4], [0]]))
    assert (found["auc_0_inf"][0], found["auc_0_t"][0]) == (4, 4)
    assert np.isnan(found["half_life"][0])


@pytest.mark.parametrize("phrase", ["0.5 mg/kg ketamine iv bolus", "20 mg ketamine iv over 1 min"])
def test_a_fast_input_has_its_peak_and_area_on_the_steps_of_a_run(phrase):
    names = tuple(
        f"plasma:{site}:{drug}"
        for site in ("venous", "arterial")
        for drug in ("ketamine", "norketamine")
    )
    fine = np.concatenate([np.linspace(0, 0.1, 201), np.linspace(0.1, 3, 581), np.arange(3, 49)])
    scenario = Scenario.parse(phrase, patients=4, days=2, outputs=names)
    usual = simulate(scenario).figures
    dense = simulate(scenario.replace(times=tuple(np.unique(fine.round(6))))).figures
    for name in names:
        for figure, allowed in {"cmax": 2e-3, "auc_0_t": 2e-3, "half_life": 0.03}.items():
            np.testing.assert_allclose(
                usual[name][figure], dense[name][figure], rtol=allowed, err_msg=f"{name} {figure}"
            )


# --- what is refused -------------------------------------------------------------------------------

REFUSED = {
    "concentrations: 2 for 3 times": lambda: nca([0, 1, 2], [1, 2]),
    "concentrations: 1 present; allowed: 2 or more": lambda: nca([0, 1], [1, NAN]),
    "concentrations: -1 at 2 h is not allowed": lambda: nca([2, 0], [-1, 1]),
    "concentrations: inf at 0 h": lambda: nca([0, 1], [np.inf, 1]),
    "concentrations: 2 dimensions": lambda: nca([0, 1], [[1], [2]]),
    "is no list of numbers": lambda: nca(["noon", 1], [1, 2]),
    "times: not all are numbers": lambda: nca([0, NAN], [1, 2]),
    "times: 1 h is there twice": lambda: nca([1, 0, 1], [1, 2, 3]),
    "dose: 0 is not allowed; allowed: mg, above 0": lambda: nca([0, 1], [1, 2], 0),
    "dose: nan is not allowed": lambda: nca([0, 1], [1, 2], NAN),
    "dose: '5 mg' is not allowed": lambda: nca([0, 1], [1, 2], "5 mg"),
    "window: 'last' is not allowed; allowed: best": lambda: nca([0, 1], [2, 1], window="last"),
    "window: (8, 2) is not allowed": lambda: nca([0, 1], [2, 1], window=(8, 2)),
    "window: (1, 2, 3) is not allowed": lambda: nca([0, 1], [2, 1], window=(1, 2, 3)),
    "window: 2 samples above zero between 0 and 2 h; allowed: 3 or more": lambda: nca(
        [0, 1, 2], [2, 1, 0], window=(0, 2)
    ),
    "start: 2 h is not allowed; allowed: before end, 1 h": lambda: partial_auc(
        [0, 3], [1, 2], 2, 1
    ),
    "start: -1 h is not allowed; allowed: within": lambda: partial_auc([0, 3], [1, 2], -1, 1),
    "end: 4 h is not allowed; allowed: within the samples, 0 to 3 h": lambda: partial_auc(
        [0, 3], [1, 2], 1, 4
    ),
    "reference: analysed without a dose": lambda: bioavailability(
        nca([0, 1], [2, 1], 5), nca([0, 1], [2, 1])
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_bad_input_is_refused_in_one_line_that_says_what_is_allowed(words):
    with pytest.raises(InputError) as caught:
        REFUSED[words]()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
