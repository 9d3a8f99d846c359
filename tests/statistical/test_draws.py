"""What is drawn has the distribution that the records state. Seeds are fixed: a failure is a defect, not bad luck."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.integrate import quad
from scipy.special import k0

from ketalab.facts import Fact, fact, facts
from ketalab.laboratory import draw_fact, human_model, individuals, score_effects, using_posterior
from ketalab.model import Parameter
from ketalab.people import People, Population, Streams, draw

Array = NDArray[np.float64]
N = 20_000
LEVELS = {"ci95": 0.95, "ci90": 0.90, "range": 0.90}
WITH_INTERVAL = sorted(
    name for name, record in facts().items() if record.spread and record.spread.interval
)
WITH_ERROR = sorted(
    name for name, record in facts().items() if record.spread and record.spread.kind == "se"
)
VARIED = [
    (f"{layer.name}.{parameter.name}", parameter)
    for layer in human_model().joined.layers
    for parameter in layer.parameters
    if parameter.between != "none"
]
#: Standard deviations of an estimate by which it may miss: about one in 15,000 for each check.
SIGMAS = 4.0


@pytest.fixture(autouse=True)
def _as_published() -> Iterator[None]:
    """Facts within their own stated uncertainty; the posterior has tests of its own."""
    with using_posterior(None):
        yield


@cache
def people() -> People:
    return draw(Population(), Streams(7), N)


@cache
def varied() -> dict[str, Array]:
    """Parameters of people who differ, with the constants as they stand."""
    drawn = individuals(human_model(), people(), Streams(7), "none")
    return dict(zip(human_model().parameters, drawn.parameters, strict=True))


def on_scale(record: Fact, values: Array) -> Array:
    """Values on the scale on which they are normal."""
    return np.array([record.scale(float(x)) for x in values])


def check_sd(values: Array, sd: float) -> None:
    assert values.std() == pytest.approx(sd, abs=SIGMAS * sd / np.sqrt(2 * len(values)))


# --- the generator --------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["between:body.cl", "people:weight", "study:drug"])
@pytest.mark.parametrize("replicate", [0, 5])
def test_standard_normals_are_standard_normal(purpose: str, replicate: int) -> None:
    z = Streams(2024).normal(purpose, N, replicate=replicate)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert z.mean() == pytest.approx(0, abs=SIGMAS / np.sqrt(N))
    check_sd(z, 1.0)
    u = Streams(2024).uniform(purpose, N, replicate=replicate)
    assert stats.kstest(u, "uniform").pvalue > 1e-3


def test_the_test_of_normality_would_see_a_spread_that_is_five_percent_off() -> None:
    z = 1.05 * Streams(2024).normal("between:body.cl", N)
    assert stats.kstest(z, "norm").pvalue < 1e-3


# --- between people -------------------------------------------------------------------------------


def stated_sd(parameter: Parameter) -> float:
    assert parameter.spread is not None
    spread = fact(parameter.spread).value
    return float(np.sqrt(spread)) if parameter.spread_is == "variance" else spread


@pytest.mark.parametrize(
    ("name", "parameter"), [(n, p) for n, p in VARIED if p.between == "lognormal"]
)
def test_lognormal_variability_has_the_stated_variance_about_the_typical_value(
    name: str, parameter: Parameter
) -> None:
    logs = np.log(varied()[name])
    sd = stated_sd(parameter)
    check_sd(logs, sd)
    middle = np.log(fact(parameter.fact).to(parameter.unit))
    assert logs.mean() == pytest.approx(middle, abs=SIGMAS * sd / np.sqrt(N))
    assert stats.kstest((logs - middle) / sd, "norm").pvalue > 1e-3


def test_the_variances_of_the_source_are_those_that_are_drawn() -> None:
    # Table 4 of doi:10.3389/fpain.2022.946486: variances of the logarithm between people.
    table = {"v1_factor": 0.057, "q3": 0.026, "mtt": 0.021, "clh": 0.103}
    drawn = {name.removeprefix("body."): values for name, values in varied().items()}
    for name, variance in table.items():
        assert np.log(drawn[name]).var() == pytest.approx(variance, rel=SIGMAS * np.sqrt(2 / N))
    # Those of the clearances come about from the flow of the liver and its enzymes.
    typical = fact("liver_flow").to("L/h")
    flow = typical * drawn["liver_flow_factor"]
    for name, enzymes, variance in (
        ("ketamine_cl_s", "enzymes", 0.029),
        ("norketamine_cl_s", "nor_enzymes", 0.05),
    ):
        clearance = fact(name).to("L/h")
        intrinsic = clearance * typical / (typical - clearance) * drawn[enzymes]
        logs = np.log(flow * intrinsic / (flow + intrinsic))
        assert logs.var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize(
    ("name", "parameter"), [(n, p) for n, p in VARIED if p.between == "logitnormal"]
)
def test_logitnormal_variability_has_the_stated_spread_in_the_logit(
    name: str, parameter: Parameter
) -> None:
    values, typical = varied()[name], fact(parameter.fact).value
    assert values.min() > 0
    assert values.max() < 1
    logits = np.log(values / (1 - values))
    sd = stated_sd(parameter)
    check_sd(logits, sd)
    middle = np.log(typical / (1 - typical))
    assert logits.mean() == pytest.approx(middle, abs=SIGMAS * sd / np.sqrt(N))


@pytest.mark.parametrize(("name", "parameter"), [(n, p) for n, p in VARIED if p.between == "share"])
def test_the_share_of_people_is_the_stated_one(name: str, parameter: Parameter) -> None:
    values, share = varied()[name], fact(parameter.fact).value
    assert set(values) == {0.0, 1.0}
    bound = SIGMAS * np.sqrt(share * (1 - share) / N)
    assert values.mean() == pytest.approx(share, abs=bound)


def test_parameters_vary_independently_of_each_other_and_of_weight() -> None:
    table = [np.log(varied()[n]) for n, p in VARIED if p.between == "lognormal"]
    table += [varied()[n] for n, p in VARIED if p.between in ("share", "logitnormal")]
    table.append(np.log(people().weight))
    correlations = np.corrcoef(table)
    off = correlations[~np.eye(len(table), dtype=bool)]
    assert np.max(np.abs(off)) < 4.5 / np.sqrt(N)


def test_what_does_not_vary_is_the_same_for_all() -> None:
    moved = {name for name, _ in VARIED}
    for name, values in varied().items():
        assert (len(set(values)) > 1) == (name in moved), name


def test_without_variability_everybody_is_the_typical_person() -> None:
    few = people().take(np.arange(5))
    drawn = individuals(human_model(), few, Streams(7), "none", vary=False)
    for row in drawn.parameters:
        assert len(set(row)) == 1


# --- uncertainty of the constants -----------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_INTERVAL)
def test_draws_cover_a_stated_interval_at_its_stated_level(name: str) -> None:
    record = fact(name)
    assert record.spread is not None
    assert record.spread.interval is not None
    low, high = record.spread.interval
    draws = draw_fact(name, Streams(1), N)
    level = LEVELS[record.spread.kind]
    bound = 0.01 + SIGMAS * np.sqrt(level * (1 - level) / N)
    assert ((draws >= low) & (draws <= high)).mean() == pytest.approx(level, abs=bound)
    near_zero = 0.02 * (high - low) if record.value == 0 else None
    assert np.median(draws) == pytest.approx(record.value, rel=0.05, abs=near_zero)


@pytest.mark.parametrize("name", WITH_ERROR)
def test_draws_have_the_stated_standard_error(name: str) -> None:
    record = fact(name)
    assert record.spread is not None
    assert record.spread.value is not None
    draws = draw_fact(name, Streams(1), N)
    # To first order on the fact's own scale, where the draws are normal: a large error is not even about the value.
    scaled = {"positive": np.log, "fraction": lambda x: np.log(x / (1 - x)), "real": np.asarray}
    on_scale, sd = scaled[record.support](draws), record.uncertainty()[0]
    check_sd(on_scale, sd)
    assert on_scale.mean() == pytest.approx(
        record.scale(record.value), abs=SIGMAS * sd / np.sqrt(N)
    )
    small = {"positive": record.value, "fraction": record.value * (1 - record.value), "real": 1.0}
    assert sd * small[record.support] == pytest.approx(record.spread.value, rel=1e-9)


@pytest.mark.parametrize("support", ["positive", "fraction"])
def test_draws_never_leave_their_support(support: str) -> None:
    names = [
        name
        for name, record in facts().items()
        if record.support == support and record.spread and not record.switch
    ]
    assert names
    for name in names:
        draws = draw_fact(name, Streams(3), N)
        assert draws.min() > 0, name
        assert support == "positive" or draws.max() < 1, name


def test_a_fact_without_a_spread_is_the_same_in_every_draw() -> None:
    names = [name for name, record in facts().items() if record.spread is None]
    assert names
    for name in names:
        assert set(draw_fact(name, Streams(0), 50)) == {fact(name).value}


def test_facts_are_uncertain_independently_and_draw_i_is_that_of_replicate_i() -> None:
    table = np.stack(
        [draw_fact(n, Streams(1), N) for n in WITH_INTERVAL if fact(n).support == "real"]
    )
    table = np.concatenate(
        [table, np.log([draw_fact(n, Streams(1), N) for n in (*WITH_ERROR, "nmda_ic50_ketamine")])]
    )
    correlations = np.corrcoef(table)
    assert np.max(np.abs(correlations[~np.eye(len(table), dtype=bool)])) < 4.5 / np.sqrt(N)
    part = draw_fact("ketamine_v1", Streams(1), 10, start=100)
    assert part.tobytes() == draw_fact("ketamine_v1", Streams(1), 110)[100:].tobytes()


def test_one_fact_is_one_draw_in_every_layer_that_reads_it() -> None:
    few = people().take(np.arange(200))
    drawn = individuals(human_model(), few, Streams(7), "person", vary=False)
    rows = dict(zip(human_model().parameters, drawn.parameters, strict=True))
    ratio = draw_fact("unbound_brain_ratio", Streams(7), 200)
    np.testing.assert_array_equal(rows["body.brain_ratio"], ratio)
    np.testing.assert_array_equal(rows["brain.kpuu"], ratio)


def test_a_replicate_shares_its_constants_and_a_person_has_its_own() -> None:
    several = draw(Population(), Streams(7), 4, replicates=range(2, 5))
    by_replicate = individuals(human_model(), several, Streams(7), "replicate", vary=False)
    by_person = individuals(human_model(), several, Streams(7), "person", vary=False)
    v1 = human_model().parameters.index("body.v1")
    shared = by_replicate.parameters[v1].reshape(3, 4)
    assert np.all(shared == shared[:, :1])
    assert len(set(shared[:, 0])) == 3
    np.testing.assert_array_equal(shared[:, 0], draw_fact("ketamine_v1", Streams(7), 3, start=2))
    assert len(set(by_person.parameters[v1].tolist())) == 4


# --- between studies ------------------------------------------------------------------------------


def product_normal_cdf(x: float) -> float:
    """Distribution of the product of two standard normals; its density is K0(|x|)/pi."""
    half = quad(lambda t: k0(t) / np.pi, 0, abs(x), limit=200)[0]
    return 0.5 + np.sign(x) * half


@pytest.mark.parametrize("name", ["control", "drug"])
def test_study_effects_are_normal_with_a_half_normal_standard_deviation(name: str) -> None:
    streams = Streams(13)
    effects = score_effects(streams, N)[f"study:{name}"]
    scale = draw_fact(f"between_study_{name}", streams, N)
    x = effects / scale
    assert x.mean() == pytest.approx(0, abs=SIGMAS / np.sqrt(N))
    assert np.abs(x).mean() == pytest.approx(2 / np.pi, rel=0.05)
    assert (x**2).mean() == pytest.approx(1, abs=SIGMAS * np.sqrt(8 / N))
    points = np.linspace(-3, 3, 25)
    expected = np.array([product_normal_cdf(p) for p in points])
    found = np.searchsorted(np.sort(x), points) / N
    assert np.max(np.abs(found - expected)) < 1.63 / np.sqrt(N)
    assert np.median(scale) == pytest.approx(fact(f"between_study_{name}").value, rel=0.05)


def test_study_effects_do_not_depend_on_each_other_or_on_the_number_of_replicates() -> None:
    many, few = score_effects(Streams(13), N), score_effects(Streams(13), 10)
    assert sorted(many) == ["study:control", "study:drug"]
    for name in many:
        assert few[name].tobytes() == many[name][:10].tobytes()
    correlation = np.corrcoef(many["study:control"], many["study:drug"])[0, 1]
    assert abs(correlation) < 0.05


def test_a_normal_interval_has_the_width_that_its_level_says() -> None:
    from ketalab.facts._record import Z_OF_INTERVAL

    for kind, level in LEVELS.items():
        assert Z_OF_INTERVAL[kind] == pytest.approx(
            NormalDist().inv_cdf(0.5 + level / 2), rel=1e-12
        )
