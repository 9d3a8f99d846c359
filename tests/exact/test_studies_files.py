"""Study files: reading them by id and by path, writing them, and what that imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketalab._files import parse_yaml
from ketalab.errors import InputError, StudyError
from ketalab.studies import dump_study, list_studies, load_study, parse_study

EXAMPLE = Path(__file__).parent / "studies_berman2000.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")


def outcome_of(data) -> str:
    try:
        return f"x.yaml: {parse_study(data, 'x.yaml').id}"
    except StudyError as error:
        return str(error)


def change(data, path: str, value) -> None:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        data = data[step]
    data[last] = value


# --- reading --------------------------------------------------------------------------------------


def test_a_packaged_study_is_read_by_its_id_and_any_other_by_its_path(tmp_path):
    assert load_study("berman2000").id == "berman2000"
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT.replace("id: berman2000", "id: mine"), encoding="utf-8")
    assert load_study(path).id == load_study(str(path)).id == "mine"


def test_an_unknown_id_names_near_misses():
    with pytest.raises(StudyError, match=r"'berman200' is neither .* did you mean berman2000"):
        load_study("berman200")
    with pytest.raises(StudyError, match="`studies list` names them all"):
        load_study("qqqqqqqqqqqq")


def test_the_ledger_is_no_study():
    assert not [name for name in list_studies() if name.startswith("_")]
    with pytest.raises(StudyError):
        load_study("_conversion")


@pytest.mark.parametrize("text", ["- 1\n", "3\n", "", "just words\n"])
def test_a_file_that_is_no_mapping_is_refused_by_name(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"x\.yaml: is no mapping of keys"):
        load_study(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_study(tmp_path / "none.yaml")


# --- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_studies())
def test_a_packaged_study_is_written_as_it_stands_and_reads_back_equal(name):
    study = load_study(name)
    text = dump_study(study)
    assert parse_study(parse_yaml(text, name), name) == study
    folder = Path(sys.modules["ketalab"].__file__).parent / "data" / "studies"
    assert (folder / f"{name}.yaml").read_text(encoding="utf-8") == text


words = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20
).filter(lambda text: text == " ".join(text.split()))
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64).map(
    lambda value: 0.0 if value == 0 else value
)
times = st.floats(0, 1e5, allow_nan=False)


@st.composite
def rows(draw):
    fields = {
        "measure": draw(words),
        "kind": "score",
        "arm": draw(st.sampled_from(["ketamine", "placebo", "all"])),
        "value": draw(numbers),
        "verified": draw(st.booleans()),
        "source": draw(words),
    }
    options = {
        "time_h": times,
        "window_h": st.tuples(times, times).map(sorted),
        "ever": st.booleans(),
        "n": st.integers(1, 10**6),
        "definition": words,
        "p": st.one_of(words, times),
        "counted": st.booleans(),
        "spread": st.fixed_dictionaries(
            {"kind": st.sampled_from(["sd", "se"]), "value": st.floats(0, 1e9)}
        ),
    }
    for key in draw(st.sets(st.sampled_from(sorted(options)))):
        fields[key] = draw(options[key])
    return fields


@given(st.lists(rows(), min_size=1, max_size=4, unique_by=lambda r: r["measure"]), words)
def test_any_study_reads_back_equal_from_what_is_written(outcomes, note):
    data = parse_yaml(TEXT, "example") | {"outcomes": outcomes}
    data["design"]["note"] = note
    study = parse_study(data, "x.yaml")
    text = dump_study(study)
    again = parse_study(parse_yaml(text, "written"), "written")
    assert again == study
    assert dump_study(again) == text


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = [
    "schema", "id", "citation", "design", "population", "population.age", "population.baseline",
    "population.baseline.0", "arms", "arms.0", "arms.0.doses", "arms.0.doses.0",
    "arms.0.interventions", "outcomes", "outcomes.0", "outcomes.0.spread",
    "outcomes.0.spread.value", "outcomes.0.window_h", "outcomes.1.sign", "assumed",
]  # fmt: skip


@given(st.sampled_from(PLACES), trees)
def test_anything_in_any_place_is_read_or_refused_in_one_line(place, value):
    data = parse_yaml(TEXT, "example")
    change(data, place, value)
    line = outcome_of(data)
    assert line.startswith("x.yaml: ")
    assert "\n" not in line


# --- cold start -----------------------------------------------------------------------------------


def test_reading_studies_imports_no_array_library():
    code = (
        "import sys\n"
        "from ketalab.studies import load_study, parse_study\n"
        "load_study('daly2018_synapse')\n"
        "heavy = 'numpy scipy xarray pandas polars sympy altair pint'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
