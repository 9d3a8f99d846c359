"""Event tables at the edges: tiny and huge times, amounts, rates and numbers of doses.

Expected values keep their relative accuracy where plain formulas would cancel; what is compared is
relative, without a floor, so that a small value counts as much as a large one.
"""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from math import exp, expm1, isclose
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_event_records.py"))))
forms = made.forms
Record = made.Record
ONE, TWO = made.MODELS["one compartment"], made.MODELS["two compartments"]
TWO_YEARS = 17_520.0
SECOND = 1 / 3600
PLAIN = {f"{name}{cmt}": value for cmt in (1, 2, 3) for name, value in {"F": 1, "ALAG": 0}.items()}


def make_model(model: Any = ONE, **values: float) -> Any:
    """A model without lag, with bioavailability 1, and with these values."""
    return model._replace(defaults=model.defaults | PLAIN | values)


def predict(folder: Path, capsys: Any, model: Any, records: Sequence[Any]) -> list[float]:
    """PRED of one person; nothing is below 0."""
    found = made.run(folder, capsys, model, {"1": records})["1"]
    assert min(found) >= 0
    return list(found)


def assert_close(found: Sequence[float], expected: Sequence[float], rel: float = 1e-9) -> None:
    """Relative agreement of every value, however small."""
    assert len(found) == len(expected)
    pairs = zip(found, expected, strict=True)
    off = [(a, b) for a, b in pairs if not isclose(a, b, rel_tol=rel, abs_tol=1e-300)]
    assert not off


@pytest.mark.parametrize("addl", [0, 3])
@pytest.mark.parametrize(
    ("ss", "rate"), [(0, 0), (0, 12.0), (0, -1), (0, -2), (1, 0), (2, 0)]
)  # an infusion at steady state without amount is one that has run for ever
def test_a_dose_of_nothing_gives_nothing(
    ss: int, rate: float, addl: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dose = Record(0, 1, 0, rate, 1, 6 if ss or addl else 0, addl, ss)
    found = predict(tmp_path, capsys, TWO, [dose, *map(Record, (0.0, 1.0, 7.0, 30.0))])
    assert found == [0.0] * 5


def test_a_dose_of_nothing_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    see = [Record(t) for t in (1.0, 2.0, 5.0)]
    dose, nothing = Record(0, 1, 50, 0, 1, 4, 2), Record(1, 1, 0, 9, 2, 4, 2)
    plain = predict(tmp_path, capsys, TWO, [dose, *see])
    both = predict(tmp_path, capsys, TWO, [dose, nothing, *see])
    assert_close(both[2:], plain[1:], 1e-13)


@pytest.mark.parametrize("factor", [1e-12, 1e4, 1e15])
@pytest.mark.parametrize("ss", [0, 1])
def test_a_dose_times_a_factor_gives_the_prediction_times_it(
    ss: int, factor: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    see = [Record(t) for t in (0.0, 0.5, 3.0, 12.0, 100.0)]
    small = predict(tmp_path, capsys, TWO, [Record(0, 1, 7, 3, 1, 6, 2, ss), *see])
    dose = Record(0, 1, 7 * factor, 3 * factor, 1, 6, 2, ss)
    large = predict(tmp_path, capsys, TWO, [dose, *see])
    assert_close(large, [factor * value for value in small], 1e-12)


@pytest.mark.parametrize("length", [0.0, 2.5])
@pytest.mark.parametrize("cmt", [1, 2])
@pytest.mark.parametrize("clearance", [9.0, 0.01])
def test_ten_thousand_additional_doses_are_the_finite_series(
    clearance: float,
    cmt: int,
    length: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Slow clearance has not reached its steady state after 10,000 h; fast has, long before."""
    n = 10_000
    model = make_model(CL=clearance)
    times = [float(n), n + 2.0, n + 150.0]
    rate = 10 / length if length else 0.0
    doses = Record(0, 1, 10, rate, cmt, 1, n - 1)
    found = predict(tmp_path, capsys, model, [doses, *map(Record, times)])[1:]
    terms = model.responses(model.defaults)[cmt - 1, forms.CENTRAL]
    ended = forms.end_infusion(terms, length) if length else terms
    expected = []
    for now in times:
        total, last = 0.0, n - 1
        while now - last < length:  # still running
            total += rate * forms.fill(terms, now - last)
            last -= 1
        for a, _, r in ended:
            series = expm1(-r * (last + 1)) / expm1(-r)
            total += (rate or 10) * a * exp(-r * (now - last - length)) * series
        expected.append(total / 20)
    assert_close(found, expected)


def test_a_thousand_doses_written_out_are_those_of_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    see = [Record(999.5), Record(1010.0)]
    short = predict(tmp_path, capsys, TWO, [Record(0, 1, 3, 1, 1, 1, 999), *see])
    lines = [Record(float(t), 1, 3, 1, 1) for t in range(1000)]
    assert_close(short[-2:], predict(tmp_path, capsys, TWO, [*lines, *see])[-2:])


@pytest.mark.parametrize("cmt", [1, 2])
def test_an_infusion_of_one_second(
    cmt: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model()
    ka, k = 1.1, 9.0 / 20.0
    times = [1e-9, SECOND / 2, SECOND, 2 * SECOND, 0.5, 24.0]
    dose = Record(0, 1, 50, 50 / SECOND, cmt)
    found = predict(tmp_path, capsys, model, [dose, *map(Record, times)])[1:]

    def respond(u: float) -> float:
        if cmt == 1:
            return float(forms.absorbed_infusion(ka, k, SECOND, u))
        return float(forms.first_integral(k, min(u, SECOND)) * exp(-k * max(u - SECOND, 0.0)))

    assert_close(found, [50 / SECOND * respond(u) / 20 for u in times])


@pytest.mark.parametrize("ss", [1, 2])
def test_a_steady_state_of_infusions_of_one_second(
    ss: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [Record(0, 1, 50, 50 / SECOND, 2, 24, 1, ss), *map(Record, (0.0, SECOND, 1.0, 30.0))]
    model = make_model(TWO)
    assert_close(predict(tmp_path, capsys, model, records), made.predict(model, records))


#: KA and CL over V1: usual ones, equal ones, nearly equal ones, and stiff ones
RATES = [(1.1, 0.45), (0.45, 0.45), (0.45 + 1e-9, 0.45), (0.04, 0.01), (1e4, 1e-3), (1e-3, 1e4)]


@pytest.mark.parametrize(("ka", "k"), RATES)
@pytest.mark.parametrize("form", ["bolus", "into the depot", "infusion", "infused depot"])
def test_from_a_nanohour_to_two_years_the_digits_are_kept(
    form: str, ka: float, k: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model(KA=ka, CL=k * 20.0)
    times = [1e-9, 1e-6, 1e-3, 0.1, 1.0, 10.0, 100.0, 1000.0, TWO_YEARS]
    cmt = 1 if "depot" in form else 2
    length = 3.0 if "infus" in form else 0.0
    dose = Record(0, 1, 60, 60 / length if length else 0, cmt)
    found = predict(tmp_path, capsys, model, [dose, *map(Record, times)])[1:]
    k = model.defaults["CL"] / 20.0

    def respond(u: float) -> float:
        if form == "bolus":
            return exp(-k * u)
        if form == "into the depot":
            return float(forms.absorbed_bolus(ka, k, u))
        if form == "infused depot":
            return float(forms.absorbed_infusion(ka, k, length, u)) / length
        here = forms.first_integral(k, min(u, length)) * exp(-k * max(u - length, 0.0))
        return float(here) / length

    assert_close(found, [60 * respond(u) / 20 for u in times])


def test_two_years_in_one_step_or_in_thousands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model(TWO, CL=0.05)
    hours = [4.0 * i for i in range(1, 4381)]
    once = predict(tmp_path, capsys, model, [Record(0, 1, 60), Record(TWO_YEARS)])
    often = predict(tmp_path, capsys, model, [Record(0, 1, 60), *map(Record, hours)])
    assert hours[-1] == TWO_YEARS
    assert_close(often[-1:], once[-1:])
    assert_close(often[1:], [made.predict(model, [Record(0, 1, 60), Record(h)])[1] for h in hours])


def test_a_bi_exponential_fall_ends_on_its_slow_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model(TWO, CL=0.9)
    records = [Record(0, 1, 60, 0, 2), *map(Record, (1e-9, 1.0, 300.0, 3000.0, TWO_YEARS))]
    assert_close(predict(tmp_path, capsys, model, records), made.predict(model, records))


@pytest.mark.parametrize("lag", [0.0, 1e-12, 1e-6, 100.0, TWO_YEARS - 1, TWO_YEARS, 1e7])
@pytest.mark.parametrize("rate", [0.0, 20.0])
def test_a_lag_may_be_nothing_or_years(
    rate: float, lag: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing before it, and at the very time of its arrival a bolus is in."""
    model = make_model(TWO, CL=0.05)
    times = [0.0, 0.5, 100.0, 101.0, TWO_YEARS - 1, TWO_YEARS, TWO_YEARS + 3]
    records = [Record(0, 1, 60, rate, 2, values={"ALAG2": lag}), *map(Record, times)]
    found = predict(tmp_path, capsys, model, records)
    assert_close(found, made.predict(model, records))
    late = 1e-9 if rate else -1e-9
    assert [value > 0 for value in found[1:]] == [t > lag + late for t in times]


def test_a_lag_of_years_at_steady_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Some 1,500 implied doses are still on their way: the state is that of no record's dose yet."""
    values = {"ALAG2": 9_001.0}
    dose = Record(0, 1, 60, 0, 2, 6, 0, 1, values)
    records = [dose, *map(Record, (0.0, 5.0, 9000.0, 9001.0, 9003.0))]
    model = make_model(TWO)
    assert_close(predict(tmp_path, capsys, model, records), made.predict(model, records))


@pytest.mark.parametrize("ss", [0, 1])
@pytest.mark.parametrize("rate", [0.0, 40.0])
def test_stiff_rates_with_all_modifiers(
    rate: float, ss: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """KA ten million times CL over V1: absorbed at once, and gone after months."""
    model = make_model(KA=1e4, CL=0.02)
    values = {"ALAG1": 0.7, "F1": 0.6}
    dose = Record(0, 1, 60, rate, 1, 12, 20, ss, values)
    records = [dose, *map(Record, (0.0, 0.7, 0.7001, 1.0, 12.0, 240.0, 300.0, 9000.0))]
    expected = made.predict(model, records)
    found = predict(tmp_path, capsys, model, records)
    assert all(
        isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in zip(found, expected, strict=True)
    )


def test_many_people_are_each_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = {
        str(i): [Record(0, 1, 10 + i, values={"CL": 2 + 0.01 * i}), Record(1.0), Record(9.0 + i)]
        for i in range(1500)
    }
    found = made.run(tmp_path, capsys, ONE, people)
    assert list(found) == list(people)
    for name, records in people.items():
        assert_close(found[name], made.predict(ONE, records))
