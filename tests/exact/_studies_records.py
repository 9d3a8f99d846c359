"""Made-up evidence records for the tests of the conversion, and the calls that convert them."""

from __future__ import annotations

import json

import yaml

from ketalab.studies import Conversion, convert_records


def convert(tmp_path, *records) -> Conversion:
    path = tmp_path / "records.yaml"
    path.write_text(plain_yaml(list(records)), encoding="utf-8")
    return convert_records(path)


def plain_yaml(data) -> str:
    """YAML without aliases, which the reader refuses."""
    return yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False)


def trial(**fields):
    arms = [
        {"id": "drug", "n": 10, "treatments": [KETAMINE]},
        {"id": "placebo", "n": 9, "treatments": [{"compound": "saline", "route": "iv"}]},
    ]
    return {
        "id": "doe2030",
        "citation": {"authors": "Doe J", "year": 2030, "title": "A trial", "journal": "J Trials"},
        "species": "human",
        "design": "randomised double-blind parallel",
        "population": {"condition": "MDD", "n": 20},
        "baseline": [{"measure": "MADRS", "mean": 30, "sd": 4}],
        "arms": arms,
        "outcomes": [],
    } | fields


KETAMINE = {
    "compound": "racemic ketamine",
    "route": "iv",
    "dose": 0.5,
    "unit": "mg/kg",
    "duration_min": 40,
    "times_h": [0],
}
SAID = {"verified": True, "source": "abstract"}


#: A change from the baseline in one arm; a contrast of two arms.
MADRS = {"measure": "MADRS", "kind": "change", "arm": "drug", "time_h": 200, "mean": -9, "sd": 8}
TWO = {"arms": ["drug", "placebo"], "time_h": 24}


def expressed(tmp_path, row, **fields):
    """The study rows of one outcome of a made-up trial, and the conversion."""
    conversion = convert(tmp_path, trial(outcomes=[SAID | row], **fields))
    assert conversion.not_expressed == ()
    return conversion.studies[0].outcomes, conversion


def reason(tmp_path, row, **fields) -> str:
    conversion = convert(tmp_path, trial(outcomes=[SAID | row], **fields))
    assert conversion.studies == ()
    return conversion.not_expressed[0]["reason"]
