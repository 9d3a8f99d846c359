"""The setting of a study, as values of the model's inputs: what moves all its arms, with a drug or without one.

Everything is read from the design, where it is stated, and from what kinds of arms there are; nothing from results.
"""

from __future__ import annotations

import math

from ketalab.studies._schema import Study

__all__ = ["odds_of", "settings_of"]

#: Kinds of control, and the feature of the setting that each is.
_CONTROL_SETTING = {
    "midazolam": "midazolam",
    "open": "open",
    "placebo-spray": "new_antidepressant",
    "masked-anaesthesia": "masked",
}
#: Controls that are the reference or no control at all; any other kind is a class of which nothing is known.
_PLAIN = ("saline", "none", None)
#: Words of a design's setting, all of which make a feature.
_FEATURES = {"crisis": {"inpatient", "suicidal ideation"}, "drug_free": {"antidepressant-free"}}


def _controls(study: Study, arm: str | None) -> set[str | None]:
    """Controls that make the setting: all of a trial; of a pooled analysis those that an arm is compared with."""
    if arm is None or study.design.kind != "pooled":
        return {one.control for one in study.arms}
    beside = {arm}
    for row in study.outcomes:
        if arm in (row.arm, row.than):
            beside |= {row.arm or arm, row.than or arm}
    return {one.control for one in study.arms if one.id in beside}


def _is_open(study: Study) -> bool:
    return study.design.masking == "open" or study.design.kind == "single-arm"


def odds_of(study: Study) -> float:
    """Odds of being given the drug in a blinded trial with arms side by side, as participants are told; else even.

    By the allocation where it is stated for each arm, else by the people of the arms, to a whole number to one (who
    were analysed are never quite who were allocated), else by the number of arms.
    """
    arms = study.arms
    blinded = {"saline", "midazolam", "placebo-spray", "masked-anaesthesia", "sham"}
    control = [one.control in blinded for one in arms]
    if study.design.kind != "parallel" or _is_open(study) or all(control) or not any(control):
        return 1.0
    stated = [int(part) for part in (study.design.allocation or "").split(":") if part]
    sizes = [one.n for one in arms]
    if len(stated) == len(arms):
        shares = [float(part) for part in stated]
    elif all(sizes):
        shares = [float(n or 0) for n in sizes]
    else:
        shares = [1.0] * len(arms)
    given = sum(share for share, without in zip(shares, control, strict=True) if not without)
    odds = given / (sum(shares) - given)
    return float(round(odds)) if odds >= 1 else 1 / round(1 / odds)


def settings_of(study: Study, arm: str | None = None) -> dict[str, float]:
    """The trial's setting as values of the model's inputs: one setting for all arms of a trial.

    The arms of a pooled analysis come from trials of their own: with ``arm`` it is the setting of that arm's trials.
    """
    settings: dict[str, float] = {}
    for control in _controls(study, arm):
        if control in _CONTROL_SETTING:
            settings[f"setting:{_CONTROL_SETTING[control]}"] = 1.0
        elif control not in _PLAIN:
            settings["setting:class"] = 1.0
    if _is_open(study):
        settings["setting:open"] = 1.0
    if study.design.sites and study.design.sites > 1:
        settings["setting:site_doublings"] = math.log2(study.design.sites)
    for name, words in _FEATURES.items():
        if words <= set(study.design.setting):
            settings[f"setting:{name}"] = 1.0
    if study.design.kind == "crossover":
        settings["setting:crossover"] = 1.0
    if (odds := odds_of(study)) != 1:
        settings["setting:odds"] = math.log2(odds)
    return settings
