"""A concentration record to a study: its rows with their arms, and what has to be filled in."""

from __future__ import annotations

import re

from ketalab.studies._concentrations import ABOUT
from ketalab.studies._context import Context
from ketalab.studies._given import LENGTHS, write_nominal
from ketalab.studies._metric_values import metric_values
from ketalab.studies._metrics import read_value
from ketalab.studies._pk_arms import INTERACTING, arm_for
from ketalab.studies._profiles import PROFILE_VALUES, read_profile
from ketalab.studies._record import Row, text_of

__all__ = ["convert_concentrations"]

#: Keys of a profile that hold the spread of each point.
_SPREADS = ("sd", "se", "sem", "ci95", "ci90")
#: Keys that are read, or are about the record and not about the study; others are listed.
_KNOWN = {
    "treatment": {
        "compound", "route", "form", "dose", "unit", "dose_mg", "dose_mg_kg", "regimen", "schedule", "times_h",
        "notes", "salt", "device", "hold_min", "held_min", "concentration_unit", "verified", "dose_verified",
        "duration", "over", "infusion", "infusion_time", "infusion_duration", *LENGTHS, *INTERACTING,
    },
    "population": {
        "condition", "n", "notes", "age_mean", "age_sd", "age_range", "age", "sex", "female_percent", "weight_kg",
        "weight_sd", "weight_range", "weight_mean", "n_completed_both_days", "n_completed_both", "n_treated",
    },
    "record": {
        "read_in", "fitted_by", "suggested_use", "digitised", "digitisation_error", "model_based", "assay",
        "in_episode_list", "finding", "treatments",
    },
}  # fmt: skip


def convert_concentrations(
    ctx: Context,
) -> tuple[list[tuple[str, list[Row] | str]], list[Row]]:
    """Convert metrics and profiles; return (label, rows or reason) a row given, and assumptions."""
    record = ctx.record
    _list_unknown(ctx)
    assumed: list[Row] = []
    results: list[tuple[str, list[Row] | str]] = []
    for index, profile in enumerate(record.profiles or ()):
        label = f"profiles.{index}"
        arm, _ = arm_for(ctx, profile, assumed)
        rows = read_profile(record, profile, arm)
        if isinstance(rows, list):
            ctx.decide(f"a profile of {len(rows)} points becomes {len(rows)} rows", label)
            left = _count(profile) - len(rows)
            if left > 0:
                ctx.decide(f"{left} points without a value, before the dose, or given twice", label)
        results.append((label, rows))
    for index, (key, metric) in metric_values(record.metrics or ()):
        label = f"metrics.{index}.{key}"
        arm, than = arm_for(ctx, metric, assumed)
        used = _condition_used(ctx, arm, metric)
        rows = read_value(record, key, metric | used, arm, than, _end_of(ctx, arm))
        results.append((label, rows))
    _window_after(ctx, results)
    gone = _drop_unused(ctx, results)
    _fill_doses(ctx, results, assumed)
    kept = [entry for entry in assumed if entry["field"].split(".")[1] not in gone]
    return results, kept


def _fill_doses(
    ctx: Context, results: list[tuple[str, list[Row] | str]], assumed: list[Row]
) -> None:
    """Give a dose to arms whose dose is not told, where none of their rows depends on it."""
    for name, arm in ctx.arms.items():
        mine = [
            row
            for _, rows in results
            if isinstance(rows, list)
            for row in rows
            if name in (row["arm"], row.get("than"))
        ]
        free = all(
            row["kind"] in ("bioavailability", "tmax", "half_life")
            or (row["kind"] == "ratio" and row.get("quantity") != "concentration")
            for row in mine
        )
        if not arm.get("unknown_dose") or not free or " and " in text_of(ctx.given[name], "route"):
            continue
        doses = write_nominal(ctx, name, ctx.given[name], assumed)
        if doses:
            arm["doses"] = doses
            del arm["unknown_dose"]
            arm.pop("unmodelled", None)


def _count(profile: Row) -> int:
    return next(
        (len(v) for k in ("mean", "median", "value") if isinstance(v := profile.get(k), list)), 0
    )


def _list_unknown(ctx: Context) -> None:
    """List keys that no rule reads, so that nothing is passed over in silence."""
    record = ctx.record
    parts = (
        ("treatment", record.treatment),
        ("population", record.population),
        ("record", record.extra),
    )
    for name, part in parts:
        for key in part:
            if key not in _KNOWN[name]:
                where = f"{name}.{key}" if name != "record" else key
                ctx.decide(f"{where} is a key that no rule reads: let through")
    for index, profile in enumerate(record.profiles or ()):
        for key in profile:
            if key not in {*ABOUT, *PROFILE_VALUES, *_SPREADS}:
                ctx.decide(f"{key} is a key that no rule reads: let through", f"profiles.{index}")


def _drop_unused(ctx: Context, results: list[tuple[str, list[Row] | str]]) -> list[str]:
    """Drop (and return) arms that no row names, and an n that is of several arms together."""
    rows = [row for _, converted in results if isinstance(converted, list) for row in converted]
    used = {row[key] for row in rows for key in ("arm", "than") if row.get(key)}
    gone = [name for name in ctx.arms if name not in used]
    for name in gone:
        del ctx.arms[name]
    doses = {tuple(arm.get("doses", ())) for arm in ctx.arms.values()}
    if len(doses) > 1 and not ctx.record.arms:
        for arm in ctx.arms.values():
            arm.pop("n", None)
        ctx.decide("n of an arm is not told: the record's n is of all its arms")
    return gone


def _condition_used(ctx: Context, arm: str, metric: Row) -> Row:
    """Say that a metric's condition is told by its arm, and so is no period of the study."""
    doses = ctx.arms.get(arm, {}).get("doses", ())
    condition = text_of(metric, "condition")
    dose = re.search(r"(\d+(?:\.\d+)?) ?mg", condition)
    used = dose is not None and any(
        " + " in phrase and phrase.startswith(f"{dose[1]} ") for phrase in doses
    )
    return {"_used": True} if used else {}


def _end_of(ctx: Context, arm: str) -> float | None:
    """Return the hour at which an arm's last dose ends, None where none is known."""
    from ketalab.protocol import parse_phrase

    ends = [
        a.end_h
        for phrase in ctx.arms.get(arm, {}).get("doses", ())
        for variant in parse_phrase(phrase).variants
        for a in variant.administrations
    ]
    return max(ends, default=None)


def _window_after(ctx: Context, results: list[tuple[str, list[Row] | str]]) -> None:
    """Let figures of an arm with a dose before it look from its own dose on."""
    for _, rows in results:
        for row in rows if isinstance(rows, list) else ():
            doses = ctx.arms.get(row["arm"], {}).get("doses", ())
            own = next(
                (m for p in doses if (m := re.search(r" \+ .* at (\d+(?:\.\d+)?) h$", p))), None
            )
            if own and row["kind"] in ("cmax", "tmax", "auc") and "window_h" not in row:
                start = float(own[1])
                row["window_h"] = [start, start + 24.0]
