"""Routes: where a dose enters, in which shares, and how what was absorbed reaches the blood.

Every depot empties at a constant rate. What is swallowed passes the stomach and the gut and then, like what comes from
the rectum, the liver. What is not absorbed is a state too, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ketalab.model.contract import Entry, Input, Maths, Values

#: Depots and what each holds.
DEPOTS = {
    "muscle": "dose in muscle",
    "subcutis": "dose under the skin",
    "nose": "dose on the nasal mucosa",
    "mouth_release": "dose in the mouth, not yet at the mucosa",
    "mouth": "dose at the mucosa of the mouth",
    "stomach": "dose swallowed, in the stomach",
    "gut": "dose in the gut",
    "tablet": "dose in an extended-release tablet",
    "rectum": "dose in the rectum",
    "lung": "dose deposited in the lung, slow path",
    "peritoneum": "dose in the peritoneal cavity",
    "ventricle": "dose in the cerebral ventricles and brain",
    "site": "dose at the place of a local infusion in the brain",
    "metabolite": "hydroxynorketamine given, not yet absorbed",
    "unabsorbed": "dose that was not absorbed",
}
HUMAN_ROUTES: Mapping[str, Mapping[str, str | None]] = {
    "iv": {"ketamine_central": None},
    "im": {"muscle": "im", "unabsorbed": "im_lost"},
    "sc": {"subcutis": "sc", "unabsorbed": "sc_lost"},
    "nasal": {"nose": "nasal", "stomach": "nasal_swallowed"},
    "insufflated": {"nose": "powder", "stomach": "powder_swallowed"},
    "sublingual": {"mouth_release": "mouth", "stomach": "mouth_swallowed"},
    "buccal": {"mouth_release": "mouth", "stomach": "mouth_swallowed"},
    "oral": {"stomach": None},
    "oral extended-release": {"tablet": "tablet", "unabsorbed": "tablet_lost"},
    "rectal": {"rectum": "rectal", "unabsorbed": "rectal_lost"},
    "inhaled": {"ketamine_central": "lung_fast", "lung": "lung_slow", "unabsorbed": "lung_lost"},
}
RODENT_ROUTES: Mapping[str, Mapping[str, str | None]] = {
    **{route: HUMAN_ROUTES[route] for route in ("iv", "im", "sc", "oral")},
    "ip": {"peritoneum": None},
    "icv": {"ventricle": None},
    "local": {"site": None},
}
#: Routes whose bioavailability differs between studies, by the name of the between-study effect.
STUDY_EFFECTS = ("oral", "nasal", "device", "other")
_STUDY_DISPOSITION = {
    "study:clearance": "the intrinsic clearance of ketamine",
    "study:volume": "the central volume of ketamine",
    "study:norketamine": "the intrinsic clearance of norketamine",
}


#: Hydroxynorketamine that is itself given, in rodents.
GIVEN_METABOLITE: Mapping[str, Mapping[str, str | None]] = {
    "iv": {"hydroxynorketamine_central": None},
    **{
        route: {"metabolite": "metabolite", "unabsorbed": "metabolite_lost"}
        for route in ("ip", "oral")
    },
}


def entries(species: str, molecule: str, enantiomer: str) -> tuple[Entry, ...]:
    """Where a molecule given by each route of a species enters."""
    routes = HUMAN_ROUTES if species == "human" else RODENT_ROUTES
    if molecule.endswith("hydroxynorketamine"):
        routes = {} if species == "human" else GIVEN_METABOLITE
    return tuple(
        Entry(route, molecule, f"{enantiomer}_{state}", share)
        for route, places in routes.items()
        for state, share in places.items()
    )


def study_inputs() -> tuple[Input, ...]:
    """Between-study effects on absorption and disposition, log scale, zero where none is drawn."""
    absorbed = {f"study:F:{name}": f"absorption of {name} doses" for name in STUDY_EFFECTS}
    return tuple(
        Input(name, "dimensionless", f"between-study effect on {what}", 0.0)
        for name, what in {**absorbed, **_STUDY_DISPOSITION}.items()
    )


def _moved(m: Maths, share: Any, effect: Any) -> Any:
    """A share moved by an effect on its logarithm; a rise moves the odds, so that the share stays below one."""
    fall, rise = m.minimum(effect, 0), m.maximum(effect, 0)
    return m.exp(fall) / (1 + (1 / share - 1) * m.exp(-rise / (1 - share)))


def shares(m: Maths, v: Values) -> dict[str, Any]:
    """Parts of a dose by name; those of one route sum to one."""
    other = v["study:F:other"]
    sprays = m.maximum(v.dose_mg / v.spray_mg, 1)
    by_device = v.device_share * (1 + (sprays - 1) * v.later_sprays) / sprays
    odds = v.spray_share / (1 - v.spray_share)
    doses = m.maximum(v.dose_mg, 1) / v.spray_reference
    by_hand = 1 / (1 + doses ** (-v.spray_exponent) / odds)
    nasal = v.device * _moved(m, by_device, v["study:F:device"]) + (1 - v.device) * _moved(
        m, by_hand, v["study:F:nasal"]
    )
    powder = _moved(m, v.powder_share, v["study:F:nasal"])
    hold = v.held * v.hold + (1 - v.held) * v.mouth_hold
    mouth = _moved(m, v.mouth_share * (1 - m.exp(-hold / v.mouth_time)), other)
    im, sc = (_moved(m, share, other) for share in (v.im_absorbed, v.sc_absorbed))
    rectal, tablet = (_moved(m, share, other) for share in (v.rectal_absorbed, v.release_absorbed))
    lung = _moved(m, v.lung_share / (1 + (v.dose_mg / v.lung_half_dose) ** 2), other)
    return {
        "im": im,
        "im_lost": 1 - im,
        "sc": sc,
        "sc_lost": 1 - sc,
        "nasal": nasal,
        "nasal_swallowed": 1 - nasal,
        "powder": powder,
        "powder_swallowed": 1 - powder,
        "mouth": mouth,
        "mouth_swallowed": 1 - mouth,
        "tablet": tablet,
        "tablet_lost": 1 - tablet,
        "rectal": rectal,
        "rectal_lost": 1 - rectal,
        "lung_fast": lung * v.lung_fast,
        "lung_slow": lung * (1 - v.lung_fast),
        "lung_lost": 1 - lung,
        "metabolite": v.metabolite_absorbed,
        "metabolite_lost": 1 - v.metabolite_absorbed,
    }


@dataclass(frozen=True)
class Inflow:
    """What leaves the depots, micromoles per hour: to blood, gut wall and portal vein; and the metabolite given."""

    blood: Any
    gut_wall: Any
    portal: Any
    metabolite: Any


def depots(m: Maths, v: Values, e: str) -> tuple[dict[str, Any], Inflow]:
    """Rates of the depots of one enantiomer, and what flows out of them."""
    amount = {name: v[f"{e}_{name}"] for name in DEPOTS}
    washed = m.log(2) / v.brain_wash_out
    out = {
        "muscle": v.im_rate * amount["muscle"],
        "subcutis": v.sc_rate * amount["subcutis"],
        "nose": v.nasal_rate * amount["nose"],
        "mouth_release": amount["mouth_release"] / v.film_time,
        "mouth": v.mouth_rate * amount["mouth"],
        "stomach": amount["stomach"] / v.stomach_time,
        "gut": v.gut_rate * amount["gut"],
        "tablet": v.release_rate * amount["tablet"],
        "rectum": v.rectal_rate * amount["rectum"],
        "lung": v.lung_rate * amount["lung"],
        "peritoneum": v.ip_rate * amount["peritoneum"],
        "ventricle": washed * amount["ventricle"],
        "site": washed * amount["site"],
        "metabolite": v.ip_rate * amount["metabolite"],
    }
    rates = {name: -flow for name, flow in out.items()}
    rates["mouth"] += out["mouth_release"]
    rates["gut"] += out["stomach"] + out["tablet"]
    rates["unabsorbed"] = 0 * amount["unabsorbed"]
    direct = ("muscle", "subcutis", "nose", "mouth", "lung", "ventricle", "site")
    blood = sum(out[name] for name in direct) + v.ip_systemic * out["peritoneum"]
    portal = out["rectum"] + (1 - v.ip_systemic) * out["peritoneum"]
    return rates, Inflow(blood, out["gut"], portal, out["metabolite"])
