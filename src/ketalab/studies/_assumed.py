"""What a source did not say, with what replay uses in its place."""

from __future__ import annotations

from ketalab.studies._context import Context, is_animal
from ketalab.studies._measures import primary_scale
from ketalab.studies._record import EvidenceRecord, Row, number

__all__ = ["assume", "drop_replaced", "name_version"]

#: Mean baseline (MADRS points) where none is told, and how far the means of trials lie around it.
USUAL_MADRS = (33.0, 30.0, 36.0)
#: Versions of the Hamilton scale that trials use.
HAMILTON = ["HDRS17", "HDRS21", "HDRS24", "HDRS25"]
#: Kinds of concentration rows for which the sampling site matters.
_SAMPLED = ("concentration", "cmax", "tmax", "auc")


def _base_in_salt() -> float:
    """Return the share of base in the hydrochloride, by mass."""
    from ketalab.facts import fact

    base, acid = fact("ketamine_molar_mass").value, fact("hydrogen_chloride_molar_mass").value
    return round(base / (base + acid), 3)


def name_version(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Take a Hamilton scale without its number of items as the 17-item one; say so."""
    named = [
        row | {"measure": f"{row['measure']}17"} if row["measure"].endswith("HDRS") else row
        for row in rows
    ]
    if named == rows:
        return rows, []
    why = "the number of items of the Hamilton scale is not told"
    entry = {"field": "outcomes.measure", "value": "HDRS17", "range": HAMILTON, "why": why}
    return named, [entry]


def drop_replaced(ctx: Context, by_hand: Row, assumed: list[Row]) -> list[Row]:
    """Leave out what was assumed of an arm whose doses or acts were then read by hand otherwise."""
    fields = {str(entry.get("field")) for entry in by_hand.get("assumed", [])}
    arms = by_hand.get("arms", {})

    def replaced(entry: Row) -> bool:
        said = str(entry["field"])
        arm, part = ([*said.split(".")[1:3], "", ""])[:2] if said.startswith("arms.") else ("", "")
        if part == "doses":
            return said in fields or entry["value"] not in ctx.arms.get(arm, {}).get("doses", ())
        return part == "interventions" and (said in fields or "interventions" in arms.get(arm, {}))

    return [entry for entry in assumed if not replaced(entry)]


def assume(record: EvidenceRecord, ctx: Context, population: Row, rows: list[Row]) -> list[Row]:
    """List salt, site, weight and baselines that the source does not tell."""
    assumed: list[Row] = []
    phrases = [dose for arm in ctx.arms.values() for dose in arm.get("doses", ())]
    ketamine = [dose for dose in phrases if "ketamine" in dose]
    if any("hydrochloride" not in dose for dose in ketamine):
        assumed.append(
            {
                "field": "doses.salt",
                "value": "base",
                "range": [_base_in_salt(), 1.0],
                "why": "base or hydrochloride is not told; the range is the share of base",
            }
        )
    per_kg = any("/kg" in dose for dose in phrases)
    told = number(record.population, "weight_kg") is not None
    if phrases and not told and not is_animal(record):
        assumed.append(_weight(record, population, per_kg))
    assumed += _sites(rows)
    assumed += _baselines(record, ctx, population, rows)
    return assumed


def _weight(record: EvidenceRecord, population: Row, per_kg: bool) -> Row:
    ends = record.population.get("weight_range")
    if "weight_kg" in population and isinstance(ends, list):
        why = "body weight is told as a range only; its middle is taken"
        entry = {"field": "population.weight_kg", "value": population["weight_kg"], "unit": "kg"}
        return entry | {"range": ends, "why": why}
    why = "body weight is not told; the default population is drawn"
    if per_kg:
        why += ", which matters little for a dose per kg"
    return {"field": "population.weight_kg", "unit": "kg", "why": why}


def _sites(rows: list[Row]) -> list[Row]:
    sampled = [row for row in rows if row.get("analyte") and row["kind"] in _SAMPLED]
    if not any("site" not in row for row in sampled):
        return []
    return [
        {
            "field": "outcomes.site",
            "value": "venous",
            "range": ["venous", "arterial"],
            "why": "the sampling site is not told",
        }
    ]


def _baselines(record: EvidenceRecord, ctx: Context, population: Row, rows: list[Row]) -> list[Row]:
    primary = ctx.primary or primary_scale(record)
    primary = "HDRS17" if primary == "HDRS" else primary
    known = {row["measure"] for row in population.get("baseline", ())}
    about = {row["measure"].rsplit(":", 1)[-1] for row in rows}
    if is_animal(record) or primary is None or primary in known or primary not in about:
        return []
    entry: Row = {
        "field": f"population.baseline.{primary}",
        "value": "the scale's usual baseline",
        "why": "no baseline is told",
    }
    if primary == "MADRS":
        mean, low, high = USUAL_MADRS
        entry |= {"value": mean, "unit": "points", "range": [low, high]}
    return [entry]
