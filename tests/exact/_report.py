"""What the tests of the report share: an invented trial, small and quick to replay, and its page."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from lxml import html

from ketalab._files import parse_yaml
from ketalab.studies import Replay, Study, parse_study, replay_study

#: Numbers invented so that one counted row is missed, one lies inside, one is only shown.
TRIAL = """
schema: 1
id: invented
use: validate
species: human
citation:
  type: article-journal
  title: An invented trial for tests
  author: [{family: Nobody, given: N.}]
  issued: {date-parts: [[1900]]}
  container-title: Journal of Tests
  DOI: 10.1234/invented(1)
design: {kind: crossover, washout_h: 168, masking: double-blind, sites: 1}
population:
  condition: MDD
  n: 6
  baseline:
    - {measure: HDRS25, mean: 33.0, sd: 6.7, arm: ketamine}
    - {measure: HDRS25, mean: 26.9, sd: 5.8, arm: placebo}
arms:
  - {id: ketamine, n: 6, doses: ["0.5 mg/kg ketamine iv over 40 min"]}
  - {id: placebo, n: 6, control: saline}
outcomes:
  - {measure: HDRS25, kind: change, arm: ketamine, time_h: 72, value: -10,
     spread: {kind: sd, value: 9}, n: 6, verified: true, source: invented}
  - {measure: HDRS25, kind: change, arm: placebo, time_h: 72, value: -24.5,
     spread: {kind: sd, value: 9}, n: 6, verified: true, source: invented}
  - {measure: HDRS25, kind: direction, arm: ketamine, than: placebo, time_h: 72, sign: "-",
     verified: true, source: invented}
  - {measure: "response:HDRS25", kind: proportion, arm: ketamine, time_h: 72, ever: true,
     value: 0.5, verified: false, source: invented}
  - {measure: "plasma:venous:S-ketamine", kind: concentration, analyte: S-ketamine, arm: ketamine,
     time_h: 2, value: 31, unit: ng/mL, verified: true, source: invented}
  - {measure: mood ring, kind: score, arm: ketamine, time_h: 24, value: 7, verified: true,
     source: invented}
assumed:
  - {field: doses.salt, value: base, range: [0.867, 1.0], why: not told}
"""


def read_trial(text: str = TRIAL) -> Study:
    """Read the invented trial, or a variant of it."""
    return parse_study(parse_yaml(text, "invented.yaml"), "invented.yaml")


def replay_trial(replicates: int = 24) -> Replay:
    """Replay the invented trial with few virtual trials."""
    return replay_study(read_trial(), replicates, 0)


def rename(replay: Replay, name: str) -> Replay:
    """Return the same replay under another id."""
    study = replay.study.model_copy(update={"id": name})
    rows = [row | {"study": name} for row in replay.rows]
    return dataclasses.replace(replay, study=study, rows=rows)


def read_page(path: Path) -> html.HtmlElement:
    """Read a page as a browser would."""
    return html.document_fromstring(path.read_text(encoding="utf-8"))
