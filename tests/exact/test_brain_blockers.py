"""A blocker that binds nothing is no blocker: beside ketamine it changes no byte of any effect.

Both courses have the blocker in their schedule, once as a dose that binds nothing and once as a dose of nothing: the
hours of doses are edges of the time steps, and other steps round otherwise.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ketalab.facts import _load, compounds, fact, facts
from ketalab.laboratory import windows_of
from ketalab.model.brain import brain
from ketalab.protocol import parse_phrase

from ._brain import Species, World, effects, solve

INFUSION = "0.5 mg/kg ketamine iv over 40 min"
RODENT = "10 mg/kg ketamine ip"
TIMES = (0.0, 0.25, 0.5, 1.0, 2.0, 8.0, 24.0)
#: With magnesium, without it, and where magnesium does not tell it from ketamine.
MEMANTINE: World = {
    "nmda_ic50_memantine_magnesium": math.inf,
    "nmda_ic50_memantine_magnesium_free": math.inf,
    "nmda_memantine_over_ketamine": 0,
}
HELD, NOT_HELD = (MEMANTINE | {"resting_magnesium": weight} for weight in (1, 0))
HNK: World = {
    "nmda_ki_r_hydroxynorketamine": math.inf,
    "hnk_half_effective": math.inf,
    "opioid_ki_hydroxynorketamine": math.inf,
}
#: Whom, ketamine, dose of the blocker, how it is given, and what takes its affinity away.
BLOCKERS: dict[str, tuple[Species, str, str, str, World]] = {
    "memantine in people": ("human", INFUSION, "20 mg", "memantine oral at -2 h", MEMANTINE),
    "memantine that magnesium holds": ("human", INFUSION, "20 mg", "memantine oral at -2 h", HELD),
    "memantine that it does not": ("human", INFUSION, "20 mg", "memantine oral at -2 h", NOT_HELD),
    "memantine in rats": ("rat", RODENT, "20 mg/kg", "memantine ip", MEMANTINE),
    "MK-801 in mice": ("mouse", RODENT, "0.1 mg/kg", "mk-801 ip", {"nmda_ic50_mk801": math.inf}),
    "naltrexone in people": (
        "human",
        INFUSION,
        "50 mg",
        "naltrexone oral at -45 min",
        {"naltrexone_mor_association": 0},
    ),
    "hydroxynorketamine in rats": ("rat", RODENT, "10 mg/kg", "(2R,6R)-HNK ip", HNK),
    "propofol in people": (
        "human",
        INFUSION,
        "100 mg",
        "propofol iv over 10 min at 20 min",
        {"propofol_half_effective": math.inf, "sedation_propofol_half": math.inf},
    ),
}


@pytest.mark.parametrize(
    ("species", "ketamine", "dose", "blocker", "unbound"), BLOCKERS.values(), ids=BLOCKERS
)
def test_a_blocker_without_affinity_changes_no_byte_of_an_effect(
    species: Species, ketamine: str, dose: str, blocker: str, unbound: World
) -> None:
    """The other world shows that there is something to take away: there the same dose binds."""
    none = dose.replace(dose.split()[0], "0", 1)
    bare = solve(species, f"{ketamine} + {none} {blocker}", TIMES, unbound)
    both = solve(species, f"{ketamine} + {dose} {blocker}", TIMES, unbound, {})
    free, bound = ({name: made[:, i] for name, made in both.items()} for i in (0, 1))
    assert [name for name in bare if free[name].tobytes() != bare[name].tobytes()] == []
    assert sum(np.max(np.abs(bound[name] - bare[name][:, 0])) > 1e-3 for name in bare) >= 5


# --- tool compounds -------------------------------------------------------------------------------

TARGETS = frozenset(brain().targets)
TOOLS = sorted(
    name
    for name, compound in compounds().items()
    if compound.blocks and {block.target for block in compound.blocks} <= TARGETS
)


def leave_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every tool compound a remaining activity of 1."""
    remaining = {block.remaining for name in TOOLS for block in compounds()[name].blocks}
    blunt = {name: fact(name).model_copy(update={"value": 1.0}) for name in remaining}
    table = {**facts(), **blunt}
    monkeypatch.setattr(_load, "facts", lambda: table)


def test_all_tool_compounds_of_the_brain_are_tried() -> None:
    named = "nbqx cpp ap5 cnqx muscimol rapamycin anisomycin rottlerin fluoxetine mibefradil"
    assert {*named.split(), "ethosuximide"} <= set(TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_compound_that_leaves_all_of_its_target_gives_no_window(
    tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = parse_phrase(f"1 mg/kg {tool} ip").administrations
    assert [act.target for act in windows_of(given)] == [
        block.target for block in compounds()[tool].blocks
    ]
    leave_all(monkeypatch)
    assert windows_of(given) == ()


def test_tool_compounds_that_leave_all_of_their_targets_change_no_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All at once: each is at the hour of ketamine's own dose, so that no edge is added."""
    times = (0.5, 1.0, 2.0, 5.0)
    given, none = (
        " + ".join([RODENT, *(f"{dose} mg/kg {tool} ip" for tool in TOOLS)]) for dose in (1, 0)
    )
    bare, plain = solve("rat", none, times), solve("rat", RODENT, times)
    acting = solve("rat", given, times)
    assert all(bare[name].tobytes() == plain[name].tobytes() for name in bare)
    moved = [name for name in bare if np.max(np.abs(acting[name] - bare[name])) > 1e-3]
    assert len(moved) > len(effects("rat")) / 2
    leave_all(monkeypatch)
    blunt = solve("rat", given, times, anew=True)
    assert [name for name in bare if blunt[name].tobytes() != bare[name].tobytes()] == []
