"""The cortex's table as a file, its closed forms as facts, and the check of both by a run made anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ketalab._files import write_text
from ketalab.facts import fact
from ketalab.spiking._cortex_bands import OUTPUTS
from ketalab.spiking._cortex_plan import cortex_plan
from ketalab.spiking._cortex_table import CortexFit, CortexTable, closed_form, terms
from ketalab.spiking._plan import FOLDER

#: Names of the table (data/spiking) and of the fitted facts (data/facts).
TABLE, FACTS = "cortex.json", "rhythm_fit.yaml"
_DIGITS = 3
#: Standard errors that a table made with another seed may be away.
_WIDE = 2 * 2
_NAMES = {
    "posteromedial": "of the posteromedial rhythm, dB",
    "coupling": "of the logarithm of the coherence of deep cortex and relay",
    "connectivity": "of the logarithm of the coherence of the two cortical areas",
}


def document(table: CortexTable, fit: CortexFit) -> dict[str, Any]:
    """The table and what the closed forms miss, ready for JSON."""

    def digits(value: float) -> float:
        return round(value, _DIGITS) + 0.0

    return {
        "about": "Cortical population under blocks: dB against rest; coherences as natural logarithms of their "
        "ratio to rest. Made by `ketalab spiking cortex`.",
        "seed": table.seed,
        "columns": ["interneuron", "cortical", "hcn1", "propofol", *OUTPUTS],
        "error": {
            name: {
                "rms": digits(fit.rms[name]),
                "largest": digits(fit.largest[name]),
                "rms_small_blocks": digits(fit.small[name]),
                "standard_error": digits(float(table.error[name].mean())),
            }
            for name in OUTPUTS
        },
        "rows": [
            [digits(x) for x in (*condition, *(float(table.mean[name][k]) for name in OUTPUTS))]
            for k, condition in enumerate(table.conditions)
        ],
    }


def table_text(table: CortexTable, fit: CortexFit) -> str:
    """The table's file: a row a line; the same table gives the same bytes."""
    content = document(table, fit)
    rows = ",\n".join("  " + json.dumps(row) for row in content.pop("rows"))
    head = json.dumps(content, indent=1).removesuffix("\n}")
    return f'{head},\n "rows": [\n{rows}\n ]\n}}\n'


def facts_text(fit: CortexFit) -> str:
    """The coefficients as fact records (YAML)."""
    lines = ["# Rhythms: coefficients of the closed forms (docs/rhythms.md), written by the fit."]
    for name in OUTPUTS:
        of = _NAMES.get(name, f"of {name} power, dB")
        for word, value in fit.coefficients[name].items():
            lines += [
                f"- id: rhythm_{name.lower()}_{word}",
                f"  quantity: coefficient of {word} in the closed form {of}",
                f"  value: {value!r}",
                "  unit: dimensionless",
                "  support: real",
                '  source: "fitted to the table of the cortical population; see the page Rhythms"',
                "  grade: derived",
            ]
    return "\n".join(lines) + "\n"


def write_cortex(folder: Path, table: CortexTable, fit: CortexFit) -> list[Path]:
    """Write the table (JSON) and the fitted facts (YAML) into a folder, which is made; return their paths.

    Raises
    ------
    OutputError
        The folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / TABLE, table_text(table, fit))
    write_text(folder / FACTS, facts_text(fit))
    return [folder / TABLE, folder / FACTS]


def cortex_coefficients() -> dict[str, dict[str, float]]:
    """Coefficients of the packaged closed forms, from the facts."""
    degree = cortex_plan().degree
    return {
        name: {w: fact(f"rhythm_{name.lower()}_{w}").value for w in terms(name, degree)}
        for name in OUTPUTS
    }


def check_cortex(table: CortexTable) -> list[str]:
    """Return a line for each output whose packaged closed form misses a new table by more than was stated.

    Allowed is the stated largest error plus four standard errors of both tables' difference.
    """
    plan = cortex_plan()
    stated = json.loads((FOLDER / TABLE).read_text(encoding="utf-8"))["error"]
    conditions = np.array(table.conditions, dtype=float)
    full = np.array([plan.weight(condition) == 1 for condition in table.conditions])
    problems = []
    for name, coefficients in cortex_coefficients().items():
        missed = np.abs(closed_form(coefficients, conditions) - table.mean[name])
        allowed = stated[name]["largest"] + _WIDE * np.sqrt(2) * table.error[name]
        over = np.where(full, missed - allowed, -1)
        worst = int(over.argmax())
        if over[worst] > 0:
            where = ", ".join(f"{x:.2f}" for x in table.conditions[worst])
            problems.append(
                f"rhythm {name}: the closed form misses the population by {missed[worst]:.2f} at ({where}); "
                f"allowed {allowed[worst]:.2f}"
            )
    return problems
