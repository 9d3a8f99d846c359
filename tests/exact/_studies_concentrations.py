"""Made-up concentration records for the tests of the conversion."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def concentrations(
    metrics: list[Row] | None = None, treatment: Row | None = None, **more: Any
) -> Row:
    """A record of one arm; numbers are made up."""
    record: Row = {
        "id": "roe2031",
        "citation": {"authors": "Roe R", "year": 2031, "title": "Levels", "journal": "J Levels"},
        "population": {"condition": "healthy", "n": 12, "weight_kg": 72, "age_mean": 30},
        "sampling_site": "venous",
        "treatment": {
            "compound": "racemic ketamine",
            "route": "iv",
            "dose": 0.5,
            "unit": "mg/kg",
            "duration_min": 40,
        },
        "verified": True,
        "source": "table 1",
        "metrics": metrics if metrics is not None else [{"analyte": "ketamine", "cmax": 200}],
    }
    if treatment is not None:
        record["treatment"] = treatment
    return record | more


#: One record of each shape that the converter knows; the fuzz mutates them.
SHAPES = [
    concentrations(
        [
            {"analyte": "S-ketamine", "cmax": 96, "cmax_sd": 20, "tmax_min": 19, "auc0_6h_ng_min_mL": 8000},
            {"analyte": "(2R,6R)-HNK", "cmax_nmol_mL": 0.2, "cmax_geo_sd": 1.5, "t_half_h": 9},
            {"analyte": "ketamine", "quantity": "concentration at 10 min", "value": 0.7, "unit": "mg/L"},
        ]
    ),
    concentrations(
        [
            {"analyte": "S-ketamine", "auc_ratio": 2.5, "cmax_change_percent": 40, "auc_ratio_ci90": [2, 3]},
            {"analyte": "norketamine/ketamine AUC ratio", "change_percent": -50},
        ],
        {"compound": "S-ketamine", "route": "oral", "dose": 0.2, "unit": "mg/kg", "inhibitor": "clarithromycin 4 days"},
    ),
    concentrations(
        [
            {"analyte": "ketamine", "route": "im", "F": 0.93, "F_range": [0.9, 1.0]},
            {"analyte": "ketamine", "route": "oral", "dose_mg": 50, "F_percent": 17},
        ],
        {"compound": "racemic ketamine HCl", "route": "im 0.5 mg/kg; oral 0.5 mg/kg"},
    ),
    concentrations(
        treatment={
            "compound": "racemic ketamine", "route": "iv", "form": "stepped infusion",
            "regimen": "0.1, 0.2 mg/kg/h for 30 min each",
        },
        metrics=None,
        profiles=[
            {
                "analyte": "R-norketamine", "unit": "nmol/mL", "time_h": [0.5, 1, 2], "mean": [0.1, 0.3, 0.2],
                "sd": [0.02, 0.1, 0.1], "n": 12,
            }
        ],
    ),
    concentrations(
        [{"analyte": "S-ketamine", "condition": "after the 50 mg film visit", "cmax": 270, "cmax_ci95": [250, 290]}],
        {
            "compound": "S-ketamine", "route": "iv", "dose": 20, "unit": "mg", "duration_min": 20,
            "notes": "given 6 h after a 50 or 100 mg film",
        },
    ),
]  # fmt: skip
