"""The habenula's table and fit as files, and the check of what is packaged against a new table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ketalab._files import write_text
from ketalab.errors import FactError
from ketalab.spiking._closed import FIT_FACTS, KINDS
from ketalab.spiking._fit import Fit, errors_of
from ketalab.spiking._plan import FOLDER, Plan
from ketalab.spiking._table import Table

TABLE_FILE, FACTS_FILE = "habenula.json", "habenula_fit.yaml"
#: How far beyond its error, in standard errors of the draws, the closed form may be from a new table.
_NOISES = 2

_HEAD = "# The closed form of the habenula's shares. Written by `ketalab spiking habenula`; not by hand.\n"
_QUANTITY = {
    "burst": "log-odds of bursting against tonic firing in the lateral habenula",
    "silent": "log-odds of silence against tonic firing in the lateral habenula",
}


def habenula_document(table: Table, fit: Fit, plan: Plan) -> dict[str, Any]:
    """The table, the closed form and its error as one document."""
    return {
        "schema": 1,
        "population": "lateral habenula",
        "seed": table.seed,
        "draws": len(table.each),
        "cells": table.cells,
        "warm_up_s": plan.warm_up_s,
        "window_s": plan.window_s,
        "step_ms": plan.step_ms,
        "noise": round(table.noise, 6),
        "closed_form": {
            "x": "1 - nmda",
            "y": "1 - t_type",
            "s": "stress",
            "burst": "exp(e_burst) / (1 + exp(e_burst) + exp(e_silent))",
            "silent": "exp(e_silent) / (1 + exp(e_burst) + exp(e_silent))",
            "tonic": "1 - burst - silent",
            "coefficients": fit.coefficients,
        },
        "error": fit.errors(),
        "table": table.rows(),
    }


def _fact_text(name: str, value: float, document: dict[str, Any]) -> str:
    kind, term = name.removeprefix("lhb_fit_").split("_")
    assert kind in KINDS
    of = "constant" if term == "0" else f"coefficient of {' '.join(term)}"
    return (
        f"- id: {name}\n"
        f'  quantity: "{_QUANTITY[kind]}, {of}"\n'
        f"  value: {value:g}\n"
        "  unit: dimensionless\n"
        "  support: real\n"
        '  conditions: "x = 1 - nmda, y = 1 - t_type, s = stress, each 0 to 1"\n'
        '  source: "fitted to the table of the spiking population of the lateral habenula '
        f'(seed {document["seed"]}; largest difference {document["error"]["largest"]:.2g})"\n'
        "  grade: derived\n"
    )


def write_habenula(folder: Path, table: Table, fit: Fit, plan: Plan) -> list[Path]:
    """Write ``habenula.json`` and ``habenula_fit.yaml`` into a folder, which is made; return their paths.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    document = habenula_document(table, fit, plan)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / TABLE_FILE, folder / FACTS_FILE]
    write_text(paths[0], json.dumps(document, indent=1, allow_nan=False) + "\n")
    facts = (_fact_text(name, fit.coefficients[name], document) for name in FIT_FACTS)
    write_text(paths[1], _HEAD + "".join(facts))
    return paths


def packaged_habenula() -> dict[str, Any]:
    """The packaged table with its closed form and error.

    Raises
    ------
    FactError
        The file is missing or is no JSON.
    """
    path = FOLDER / TABLE_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise FactError(f"{TABLE_FILE}: cannot be read: {error}", TABLE_FILE) from None


@dataclass(frozen=True)
class Check:
    """The packaged closed form against a new table: its errors, and what was allowed (shares of cells)."""

    found: Fit
    allowed_rms: float
    allowed_largest: float

    @property
    def met(self) -> bool:
        """Whether both errors are within what the packaged table and the noise of draws allow."""
        return self.found.rms <= self.allowed_rms and self.found.largest <= self.allowed_largest


def check_habenula(table: Table, coefficients: dict[str, float]) -> Check:
    """Hold a closed form against a new table.

    Allowed are the packaged error and the noise of draws in both tables: as a root mean square, and for the largest
    difference two standard errors of each point's own noise, at its largest.
    """
    packaged = packaged_habenula()
    error, noise = packaged["error"], max(packaged["noise"], table.noise)
    widest = float((table.each.std(axis=0, ddof=1) / len(table.each) ** (1 / 2)).max())
    return Check(
        errors_of(table, coefficients),
        (error["rms"] ** 2 + _NOISES * noise**2) ** (1 / 2),
        error["largest"] + _NOISES * max(widest, noise),
    )
