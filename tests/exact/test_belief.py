"""Belief follows what is felt; expectancy moves arms apart under one rule and not under the other."""

from __future__ import annotations

import numpy as np
import pytest

from ketalab import Scenario
from ketalab.errors import ScenarioError
from ketalab.facts import fact
from ketalab.laboratory import (
    CONTROLS,
    Arms,
    baseline,
    course_of,
    expectancy_share,
    sessions_of,
    simulate_arms,
    using_hypotheses,
)
from ketalab.laboratory._scores import response_probability
from ketalab.model.contract import Values
from ketalab.model.mind import belief
from ketalab.people import Population
from ketalab.protocol import parse_phrase

INFUSION = parse_phrase("0.5 mg/kg ketamine iv over 40 min")


def arms_of(control: str, **options: int) -> Arms:
    chosen, sessions = CONTROLS[control], sessions_of(INFUSION.administrations)
    courses = {
        "drug": course_of(INFUSION, chosen, sessions, 30.0),
        "control": course_of(None, chosen, sessions, 30.0),
    }
    names = ("belief:drug", "symptom:depression", "symptom:setting")
    size = {"replicates": 40, "persons": 30, **options}
    return simulate_arms(courses, names, np.array([0.0, 24.0]), **size)


def response(arms: Arms, arm: str) -> float:
    """Share of people who respond on the MADRS at a day."""
    base = baseline("MADRS", Population(), arms.people, "replicate")
    return float(response_probability(base, arms.at(arm, "symptom:depression", 24).ravel()).mean())


def test_belief_falls_on_saline_stays_under_a_mask_and_rises_on_ketamine() -> None:
    believed = {}
    for control in ("saline", "midazolam", "masked-anaesthesia"):
        arms = arms_of(control, replicates=10)
        believed[control] = arms.at("control", "belief:drug", 24).mean()
        believed[f"ketamine, {control}"] = arms.at("drug", "belief:drug", 24).mean()
    assert believed["saline"] < 0.3 < believed["midazolam"] < believed["ketamine, saline"]
    assert believed["masked-anaesthesia"] == pytest.approx(0.5, abs=0.1)
    assert believed["ketamine, masked-anaesthesia"] == pytest.approx(
        believed["masked-anaesthesia"], abs=1e-9
    )


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_both_rules_give_what_the_trials_saw_that_set_them(weight: float) -> None:
    """Response at a day: 1% (0 to 11) on saline, 18% (6 to 30) on midazolam, 45 to 46% on ketamine."""
    with using_hypotheses({"expectancy": weight}):
        saline, midazolam = arms_of("saline"), arms_of("midazolam")
        masked = arms_of("masked-anaesthesia")
    assert response(saline, "control") < 0.11
    assert 0.06 < response(midazolam, "control") < 0.30
    assert 0.34 < response(midazolam, "drug") < 0.58
    assert 0.34 < response(saline, "drug") < 0.58
    # Lii 2023: half respond on placebo under anaesthesia, and the arms differ by less than elsewhere.
    assert response(masked, "control") > response(midazolam, "control") + 0.08
    gap = response(masked, "drug") - response(masked, "control")
    assert gap < response(saline, "drug") - response(saline, "control")


def test_without_expectancy_the_setting_is_that_of_all_arms_alike() -> None:
    with using_hypotheses({"expectancy": 0.0}):
        arms = arms_of("midazolam", replicates=5)
    setting = (arms.at(arm, "symptom:setting", 24) for arm in ("drug", "control"))
    np.testing.assert_allclose(*setting, atol=1e-6)


def test_the_share_of_expectancy_is_told_under_two_rules() -> None:
    found = expectancy_share(Scenario.parse(days=1.0), control="saline", replicates=16, persons=30)
    belief, setting = (found["rules"][rule] for rule in ("belief", "setting"))
    assert 0.2 < belief["of_difference"]["mean"] < 0.9
    assert belief["of_difference"]["p05"] < belief["of_difference"]["p95"]
    assert abs(setting["of_difference"]["mean"]) < 1e-3
    middle = found["mixture"]["of_difference"]["mean"]
    assert setting["of_difference"]["mean"] < middle < belief["of_difference"]["mean"]
    assert found["mixture"]["weight_is"] == "prior"


def test_an_unknown_control_is_named_with_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="'salin' is not allowed; allowed: saline, midazolam"):
        expectancy_share(Scenario.parse(), control="salin")


def test_odds_of_the_drug_are_believed_as_they_are_told_and_even_odds_change_nothing() -> None:
    layer = belief()
    numbers = {p.name: fact(p.fact).value for p in layer.parameters}
    still = {port.name: 0.0 for port in layer.inputs} | {s.name: 0.0 for s in layer.states}

    def believed(doublings: float) -> float:
        values = Values({**numbers, **still, "setting:odds": doublings})
        return float(layer.equations(np, values).outputs["belief:drug"])  # type: ignore[arg-type]

    before = fact("belief_before").value
    assert believed(0.0) == pytest.approx(before)
    odds = 4 * before / (1 - before)
    assert believed(2.0) == pytest.approx(odds / (1 + odds))
    # Less than even odds are left as even ones, so that belief never takes relief away.
    assert believed(-1.0) == believed(0.0)
