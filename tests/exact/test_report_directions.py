"""The brain's qualification as page, files, table and command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ketalab import judgement
from ketalab.cli import main
from ketalab.errors import OutputError
from ketalab.judgement import (
    Ablation,
    Contrast,
    DirectionRow,
    Directions,
    Fallen,
    Judged,
    Mechanism,
    Verdict,
    layer_file,
)
from ketalab.report import DIRECTION_FILES, directions_table, write_directions

from ._tags import Tags


def judged(name: str, measure: str = "circuit:glutamate", layer: str = "brain", **changes) -> Judged:  # fmt: skip
    own = {key: changes.pop(key) for key in ("contested", "sign", "time_h") if key in changes}
    usual = {"study": name, "species": "rat", "measure": measure, "arm": "drug", "than": "none"}
    row = DirectionRow.model_validate(usual | {"sign": "+", "verified": True, "time_h": 1.0} | own)
    return Judged(f"{name}:{measure}:drug:1", row, layer, **({"use": "validate"} | changes))


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def make(note: str = "") -> Directions:
    rows = (
        judged("far", probability=0.1),
        judged("near", probability=0.7),
        judged("held", probability=0.95),
        judged("guess", probability=0.4, basis="assumed", guessed=("dose assumed",)),
        judged("built", probability=0.2, use="build"),
        judged("torn", probability=0.5, contested="why"),
        judged("mad", "HDRS17", "mind", probability=0.3),
        judged("dazed", "state:dissociation", "states", probability=0.9),
        judged("mute", reason=f"no dose {note}"),
    )
    aim = next(a for a in layer_file("brain").aims if a.id == "held_stated")
    return Directions(
        *("brain", 7, 1, rows, {"why": f"a question {note}"}),
        (Verdict(aim, 1 / 3, 3),),
        {"far:circuit:glutamate:drug:1": "a named cause"},
    )


def ablated(*, kept: str | None = None) -> tuple[Ablation, ...]:
    one = Mechanism(id="surge", what="the surge", facts={"half": float("inf")}, kept_because=kept)
    two = Mechanism(id="idle", what="an idle one", facts={"gain": 0.0})
    broken = Fallen("held:circuit:glutamate:drug:1", 0.95, 0.05)
    return (Ablation(one, (broken,), 4), Ablation(two, (), 2))


CONTRAST = Contrast(
    "synapse:potentiation",
    {name: (mean, mean, mean) for name, mean in (("both", 4.0), ("glutamate", 1.0), ("opioid", 1.0), ("none", 0.0))},
    (2.0, 1.0, 3.0),
)  # fmt: skip


def test_the_table_tells_misses_first_the_least_probable_on_top() -> None:
    text = directions_table(make())
    places = [text.index(word) for word in ("far", "near", "Aims", "guess", "built", "torn")]
    assert places == sorted(places)
    assert "1 of 3 with stated dose, time and acts are held (33%)" in " ".join(text.split())


def test_rows_of_scores_and_states_are_told_apart_from_the_brain() -> None:
    text = " ".join(directions_table(make()).split())
    assert "apart from these, 1 of 2 of scores, states and harm" in text
    assert "1 of 3 with stated dose, time and acts are held" in text
    totals = text[text.index("All rows") :]
    assert "mind 1 0 0 0 0 1 0" in totals
    assert "states 1 0 0 0 0 1 0" in totals


def test_a_held_row_is_no_miss() -> None:
    text = directions_table(make())
    assert "held " not in text[: text.index("Aims")].split("\n", 2)[2]


def test_rows_not_expressed_are_told_by_reason() -> None:
    assert "1: no dose" in directions_table(make())


def test_the_named_cause_of_a_miss_stands_beside_it() -> None:
    assert "a named" in directions_table(make())


def test_the_files_hold_every_row_in_its_group(tmp_path: Path) -> None:
    written = write_directions(make(), tmp_path / "out", ablated(), [CONTRAST])
    assert tuple(path.name for path in written) == DIRECTION_FILES
    found = json.loads((tmp_path / "out" / "directions.json").read_text())
    groups = [row["group"] for row in found["rows"]]
    assert groups == [
        *["stated"] * 3,
        *("assumed", "build", "contested", "apart", "apart", "not expressed"),
    ]
    assert found["groups"]["apart"] == {"held": 1, "rows": 2}
    assert found["groups"]["stated"] == {"held": 1, "rows": 3}
    assert (found["rows_listed"], found["rows_expressed"], found["met"]) == (9, 8, False)
    assert found["ablations"][0]["facts"] == {"half": "inf"}
    assert found["glutamate_by_opioid"][0]["share"] == 0.5
    text = (tmp_path / "out" / "directions.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["study"] for row in rows] == [row["study"] for row in found["rows"]]


def test_the_page_is_whole_and_needs_no_script_or_network(tmp_path: Path) -> None:
    write_directions(make("<script>x</script>"), tmp_path, ablated(), [CONTRAST])
    text = (tmp_path / "directions.html").read_text()
    tags = Tags(text)
    assert tags.open == []
    assert not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert tags.seen.count("figcaption") == 2
    assert tags.seen.count("svg") >= 2
    assert "&lt;script&gt;" in text


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_directions(make(), tmp_path / name, ablated(), [CONTRAST])
    for name in DIRECTION_FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_page_without_ablations_says_nothing_of_them(tmp_path: Path) -> None:
    write_directions(make(), tmp_path)
    text = (tmp_path / "directions.html").read_text()
    assert 'id="ablations"' not in text
    assert "--ablate" not in text


def test_a_mechanism_that_breaks_nothing_says_why_or_that_nothing_says_so() -> None:
    text = " ".join(directions_table(make(), ablated()).split())
    assert "nothing says why it is kept" in text.replace("none: ", "")
    assert "95 to 5%" in text


def test_the_contrast_is_told_as_a_share_of_the_whole_effect() -> None:
    text = directions_table(make(), None, [CONTRAST])
    line = next(row for row in text.splitlines() if "contrast" in row)
    assert "50%" in line


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        write_directions(make(), tmp_path / "file")


@pytest.fixture
def stubbed(monkeypatch):
    calls: dict[str, object] = {}

    def judge(replicates, seed, **options):
        calls["judge"] = (replicates, seed)
        return make()

    def ablate(names, replicates, seed, **options):
        calls["ablate"] = (tuple(names), replicates, seed)
        return ablated()

    monkeypatch.setattr(judgement, "judge_directions", judge)
    monkeypatch.setattr(judgement, "glutamate_by_opioid", lambda *_: (CONTRAST,))
    monkeypatch.setattr(judgement, "ablate", ablate)
    monkeypatch.setattr(judgement, "write_ablations", lambda file: calls.setdefault("wrote", file))
    return calls


def test_the_command_judges_the_brain_and_ablates_only_when_asked(stubbed, capsys) -> None:
    assert main(["qualify", "--layer", "brain"]) == 0
    assert stubbed == {"judge": (100, 0)}
    assert "Glutamate by opioid" in capsys.readouterr().out
    assert main(["qualify", "--layer", "brain", "--ablate", "--mechanism", "kir41", "--json"]) == 0
    assert stubbed["ablate"] == (("kir41",), None, 0)
    assert json.loads(capsys.readouterr().out)["ablations"][1]["id"] == "idle"
    assert "wrote" not in stubbed


def test_what_breaks_is_frozen_only_when_asked(stubbed) -> None:
    assert main(["qualify", "--layer", "brain", "--ablate", "--write", "--replicates", "5"]) == 0
    assert stubbed["wrote"].replicates == 5


def test_a_missed_aim_is_told_and_ends_with_one_when_strict(stubbed, capsys) -> None:
    assert main(["qualify", "--layer", "brain", "--strict"]) == 1
    assert "1 of 1 aims not met: held_stated" in capsys.readouterr().err


def test_held_rows_are_also_counted_by_credibility_card(tmp_path: Path) -> None:
    found = make()
    counted = {"stated": (1, 3), "assumed": (0, 1), "build": (0, 1)}
    assert found.by_card() == {"glutamate_synapse": counted}
    write_directions(found, tmp_path)
    document = json.loads((tmp_path / "directions.json").read_text("utf-8"))
    assert document["cards"]["glutamate_synapse"]["stated"] == {"held": 1, "rows": 3}
    page = (tmp_path / "directions.html").read_text("utf-8")
    assert '<th scope="row">glutamate_synapse</th><td class="num">1 of 3</td>' in page
    assert page.count("<h3>Glutamate, BDNF and synapses</h3>") == 1
    assert "1 of 3" in directions_table(found).split("by credibility card")[1]
