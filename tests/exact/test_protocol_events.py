"""The event table of a regimen."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab.protocol import Administration, Variant, events, parse_phrase


def table(text: str) -> list[tuple[float, str, str]]:
    (variant,) = parse_phrase(text).variants
    return [(e.time_h, e.kind, e.administration.compound) for e in events(variant)]


def test_an_infusion_starts_and_stops_and_a_bolus_is_one_event():
    assert table("0.5 mg/kg ketamine iv over 60 min + 50 mg naltrexone oral at -45 min") == [
        (-0.75, "bolus", "naltrexone"),
        (0.0, "start", "ketamine"),
        (1.0, "stop", "ketamine"),
    ]


def test_at_one_time_stops_go_before_boluses_and_boluses_before_starts():
    text = (
        "5 mg ketamine iv over 60 min, then 5 mg ketamine iv over 60 min + 5 mg midazolam iv bolus"
        " + 5 mg esketamine iv over 60 min"
    )
    assert table(text) == [
        (0.0, "start", "ketamine"),
        (1.0, "stop", "ketamine"),
        (1.0, "bolus", "midazolam"),
        (1.0, "start", "esketamine"),
        (1.0, "start", "ketamine"),
        (2.0, "stop", "esketamine"),
        (2.0, "stop", "ketamine"),
    ]


def test_an_instant_reached_by_two_sums_is_one_instant():
    found = table("5 mg ketamine iv over 40 min every 40 min x 200")
    assert len({time for time, _, _ in found}) == 201
    running = 0
    for _, kind, _ in found:
        running += {"start": 1, "stop": -1}[kind]
        assert running in (0, 1)


def test_an_untreated_variant_has_no_events():
    assert events(Variant(1.0, ())) == ()


def test_events_carry_their_dose():
    (variant,) = parse_phrase("0.14 mg/kg/h esketamine iv for 60 min").variants
    start, stop = events(variant)
    assert start.administration == stop.administration == variant.administrations[0]


times = st.one_of(st.integers(-3, 3).map(float), st.floats(-100, 100))
administrations = st.builds(
    Administration,
    time_h=times,
    amount=st.floats(0, 100),
    per_kg=st.booleans(),
    duration_h=st.one_of(st.just(0.0), st.integers(1, 3).map(float), st.floats(0.001, 50)),
    compound=st.sampled_from(["ketamine", "midazolam"]),
)


@given(st.lists(administrations, max_size=12))
def test_every_dose_is_in_the_table_in_order_and_what_starts_stops(doses):
    found = events(Variant(1.0, tuple(doses)))
    rank = {"stop": 0, "bolus": 1, "start": 2}
    keys = [(event.time_h, rank[event.kind]) for event in found]
    assert keys == sorted(keys)
    gaps = [b[0] - a[0] for a, b in pairwise(keys)]
    assert all(gap == 0 or gap > 1e-10 for gap in gaps)
    for dose in doses:
        own = [event for event in found if event.administration == dose]
        same = doses.count(dose)
        if dose.duration_h == 0:
            assert [event.kind for event in own] == ["bolus"] * same
        else:
            assert sorted(event.kind for event in own) == ["start"] * same + ["stop"] * same
            spans = own[-1].time_h - own[0].time_h
            assert math.isclose(spans, dose.duration_h, abs_tol=1e-7)


def test_the_order_of_the_doses_given_does_not_matter():
    doses = [Administration(0.0, 1.0, False, d, c) for d in (0.0, 1.0) for c in ("a", "b", "c")]
    assert events(Variant(1.0, tuple(doses))) == events(Variant(1.0, tuple(reversed(doses))))


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_course_has_two_events_an_infusion(count):
    assert len(table(f"0.5 mg/kg ketamine iv over 40 min weekly x {count}")) == 2 * count
