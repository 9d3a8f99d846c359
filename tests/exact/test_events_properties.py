"""What holds for every event table: against the reference, and from one table to another."""

from __future__ import annotations

import csv
import io
import json
import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("_event_records.py"))))
Record = made.Record
MODELS = list(made.MODELS)

#: The folder of a test is shared by its examples: every run writes its files anew.
with_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

briefly = settings(with_folder, max_examples=15)

#: Steps on a grid on which additional doses, lags and resets often meet a record.
STEPS = st.sampled_from([0.0, 0.0, 0.1, 0.25, 0.5, 1.0, 2.5, 6.0])


@st.composite
def doses(draw: Callable[..., Any], time: float, evid: int, cmts: int) -> Any:
    """Any dose record that the specification allows."""
    cmt = draw(st.integers(1, cmts))
    values = draw(
        st.fixed_dictionaries(
            {},
            optional={
                f"F{cmt}": st.sampled_from([0.0, 0.4, 1.0, 1.6]),
                f"ALAG{cmt}": st.sampled_from([0.0, 0.1, 0.5, 2.5, 7.0]),
                f"R{cmt}": st.sampled_from([4.0, 30.0]),
                f"D{cmt}": st.sampled_from([0.5, 2.5, 8.0]),
                "CL": st.sampled_from([2.0, 9.0, 30.0]),
            },
        )
    )
    ss = draw(st.sampled_from([0, 0, 0, 1, 2]))
    if ss and draw(st.integers(0, 3)) == 0:
        return Record(time, evid, 0, draw(st.sampled_from([-1, 3.0])), cmt, 0, 0, ss, values)
    addl = draw(st.sampled_from([0, 0, 1, 3]))
    ii = draw(st.sampled_from([0.5, 2.5, 6.0])) if ss or addl else 0
    rate = draw(st.sampled_from([0, 0, -1, -2, 5.0, 40.0]))
    nothing = [] if ss and rate else [0]  # that would be the infusion above
    amount = draw(st.sampled_from([*nothing, 10.0, 25.0, 60.0]))
    return Record(time, evid, amount, rate, cmt, ii, addl, ss, values)


@st.composite
def people(draw: Callable[..., Any], cmts: int) -> dict[str, list[Any]]:
    """One to three people of random records; at a reset the time may go back."""
    found = {}
    for name in draw(st.sampled_from([("1",), ("1", "2"), ("b", "a", "17")])):
        time, records = 0.0, []
        for _ in range(draw(st.integers(1, 12))):
            time += draw(STEPS)
            kind = draw(st.sampled_from(["see", "see", "see", "dose", "dose", "other", 3, 4]))
            if kind in (3, 4) and draw(st.booleans()):
                time = draw(st.sampled_from([0.0, 0.3, 1.0]))
            if kind in ("dose", 4):
                records.append(draw(doses(time, 1 if kind == "dose" else 4, cmts)))
            else:
                values = draw(st.sampled_from([made.NONE, {"CL": 4.0}, {"V1": 33.0}, {"KA": 0.3}]))
                evid = {"see": 0, "other": 2}.get(kind, kind)
                records.append(Record(time, evid, values=values))
        records += [Record(time + step) for step in (0.1, 0.5, 3.0, 6.0, 14.5)]
        found[name] = records
    return found


@pytest.mark.parametrize("model", MODELS)
@with_folder
@given(data=st.data())
def test_any_records_are_predicted(
    data: st.DataObject, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = data.draw(people(len(made.MODELS[model].compartments)))
    assert not made.compare(tmp_path, capsys, made.MODELS[model], chosen)


def change(records: Sequence[Any], **fields: Callable[[Any], Any]) -> list[Any]:
    """These records with some fields computed anew."""
    return [r._replace(**{name: how(r) for name, how in fields.items()}) for r in records]


def assert_same(found: Sequence[float], expected: Sequence[float], rel: float = 1e-11) -> None:
    assert made.difference(found, expected, rel) is None


TWO = made.MODELS["two compartments"]


@briefly
@given(chosen=people(3))
def test_the_order_of_people_is_irrelevant(
    chosen: dict[str, list[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    together = made.run(tmp_path, capsys, TWO, chosen)
    backwards = made.run(tmp_path, capsys, TWO, dict(reversed(chosen.items())))
    assert list(backwards) == list(reversed(together))
    for name in chosen:
        alone = made.run(tmp_path, capsys, TWO, {name: chosen[name]})
        assert alone[name] == together[name] == backwards[name]


@briefly
@given(chosen=people(3), factor=st.sampled_from([1e-6, 0.5, 3.0, 1e4]))
def test_amounts_times_a_factor_give_predictions_times_it(
    chosen: dict[str, list[Any]],
    factor: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rates too, those of the model included: durations stay as they were."""
    scaled = {
        name: change(
            records,
            amt=lambda r: r.amt * factor,
            rate=lambda r: r.rate * factor if r.rate > 0 else r.rate,
            values=lambda r: {
                k: v * factor if k in ("R1", "R2", "R3") else v for k, v in r.values.items()
            },
        )
        for name, records in chosen.items()
    }
    rates = {name: TWO.defaults[name] * factor for name in ("R1", "R2", "R3")}
    larger = TWO._replace(defaults=TWO.defaults | rates)
    plain = made.run(tmp_path, capsys, TWO, chosen)
    for name, found in made.run(tmp_path, capsys, larger, scaled).items():
        assert_same(found, [factor * value for value in plain[name]])


@briefly
@given(chosen=people(3), data=st.data())
def test_a_dose_in_two_halves_is_the_dose(
    chosen: dict[str, list[Any]],
    data: st.DataObject,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second half adds to what the first left: a steady state 1 goes on as 2, a reset as a dose."""
    halves: dict[str, list[Any]] = {}
    rows: dict[str, list[int]] = {}
    for name, records in chosen.items():
        halves[name], rows[name] = [], []
        for r in records:
            if r.evid in (1, 4) and r.rate != -1:
                rate = r.rate / 2 if r.rate > 0 else r.rate
                r = r._replace(amt=r.amt / 2, rate=rate)
                halves[name].append(r)
                r = r._replace(evid=1, ss=2 if r.ss else 0, values={})
            halves[name].append(r)
            rows[name].append(len(halves[name]) - 1)
    plain = made.run(tmp_path, capsys, TWO, chosen)
    for name, found in made.run(tmp_path, capsys, TWO, halves).items():
        assert_same([found[i] for i in rows[name]], plain[name])


@pytest.mark.parametrize("rate", [0, 9.0, -1, -2])
@pytest.mark.parametrize("lag", [0.0, 0.5, 7.5])
def test_additional_doses_are_those_written_out(
    rate: float, lag: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"ALAG1": lag}
    short = [Record(0, 1, 40, rate, 1, 2.5, 6, 0, values)]
    long = [Record(2.5 * j, 1, 40, rate, 1, values=values) for j in range(7)]
    times = [0.5 * i + 0.1 for i in range(60)]
    tables = [sorted([*some, *map(Record, times)], key=lambda r: r.time) for some in (short, long)]
    one, other = (made.run(tmp_path, capsys, TWO, {"1": table})["1"] for table in tables)
    seen = [p for p, r in zip(other, tables[1], strict=True) if not r.evid]
    assert max(seen) > 0.1
    assert_same([p for p, r in zip(one, tables[0], strict=True) if not r.evid], seen)


@briefly
@given(chosen=people(3))
def test_names_of_compartments_are_only_names(
    chosen: dict[str, list[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = made.write_table(chosen)
    plain = made.run_text(tmp_path, capsys, table, made.write_model(TWO))
    renamed = made.write_model(TWO, ["gut", "blood", "fat_2"])
    assert made.run_text(tmp_path, capsys, table, renamed) == plain


MIXED = {
    "A-07": [
        Record(0.0, 1, 100, 0, 1, 6, 2, 0, {"CL": 5.0}),
        Record(1.5),
        Record(12.0, 2, values={"CL": 8.0}),
        Record(30),
    ],
    "12": [Record(0.0, 1, 50, 25, 2), Record(1.0), Record(2.0, 3), Record(3.0)],
}


def test_id_and_time_come_back_as_they_were_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "ID,TIME,AMT\n007,0.50,100\n007,1.,.\n007,1e1,.\np 2,00,1\n"
    out = made.run_text(tmp_path, capsys, table, made.write_model(TWO))
    lines = [line.rsplit(",", 1)[0] for line in out.splitlines()]
    assert lines == ["ID,TIME", "007,0.50", "007,1.", "007,1e1", "p 2,00"]


def _turn(table: str, order: Callable[[list[str]], list[str]]) -> str:
    return "".join(",".join(order(row)) + "\n" for row in csv.reader(io.StringIO(table)))


def _write_noughts(row: list[str]) -> list[str]:
    """A nought for a dot, but not for a parameter, of which it would be the value."""
    return ["0" if cell == "." else cell for cell in row[:9]] + row[9:]


def _add(row: list[str]) -> list[str]:
    return [*row, "DV", "NOTE"] if row[0] == "ID" else [*row, "1.5", '"a, b"']


@pytest.mark.parametrize(
    "write",
    [
        lambda text: _turn(text, lambda row: row[::-1]),
        lambda text: _turn(text, _add),
        lambda text: text.replace("ID,TIME,AMT", "id,Time,amt").replace("EVID", "evid"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: "\ufeff" + text,
        lambda text: _turn(text, lambda row: [f'"{cell}"' for cell in row]),
        lambda text: _turn(text, _write_noughts),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace(",", " , "),
        lambda text: text.replace(",CL\n", ",cl\n"),
        lambda text: _turn(text, lambda row: ["" if cell == "." else cell for cell in row]),
    ],
    ids=[
        *("other order", "more columns", "other case", "carriage returns", "no last line end"),
        *("byte order mark", "quoted", "noughts for dots", "blank lines", "spaces"),
        *("parameter in other case", "empty cells for dots"),
    ],
)
def test_another_way_to_write_a_table_says_the_same(
    write: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, model = made.write_table(MIXED), made.write_model(TWO)
    plain = made.run_text(tmp_path, capsys, table, model)
    assert len(plain.splitlines()) == 9
    assert made.run_text(tmp_path, capsys, write(table), model) == plain


def test_a_column_left_out_is_a_column_of_dots(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = "ID,TIME,AMT\n1,0,100\n1,1,.\n1,2,50\n1,2,.\n1,9,0\n"
    long = "ID,TIME,AMT,RATE,EVID,CMT,II,ADDL,SS,KA\n" + "".join(
        f"{line},.,.,.,.,.,.,.\n" for line in short.splitlines()[1:]
    )
    records = [Record(0, 1, 100), Record(1), Record(2, 1, 50), Record(2), Record(9)]
    model = made.write_model(TWO)
    out = made.run_text(tmp_path, capsys, short, model)
    assert made.run_text(tmp_path, capsys, long, model) == out
    assert_same(made.read_predictions(out)["1"], made.predict(TWO, records), 1e-9)


def test_the_compartment_of_an_observation_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = made.write_model(TWO)
    tables = [f"ID,TIME,AMT,CMT\n1,0,100,2\n1,5,.,{cmt}\n" for cmt in (".", "1", "2", "3")]
    assert len({made.run_text(tmp_path, capsys, table, model) for table in tables}) == 1


@pytest.mark.parametrize(
    ("first", "second"), [("0.30000000000000004", "0.3"), ("9", "8.9999999999")]
)
def test_times_that_are_the_same_do_not_fall(
    first: str, second: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two times are the same if they differ by less than 1e-10 of their size."""
    table = f"ID,TIME,AMT,CMT\n1,0,10,2\n1,{first},50,2\n1,{second},.,.\n1,12,.,.\n"
    records = [
        Record(0, 1, 10, 0, 2),
        Record(float(first), 1, 50, 0, 2),
        Record(float(first)),
        Record(12),
    ]
    found = made.read_predictions(made.run_text(tmp_path, capsys, table, made.write_model(TWO)))
    assert_same(found["1"], made.predict(TWO, records), 1e-9)


def test_an_infusion_at_steady_state_is_a_dose_without_being_called_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = "ID,TIME,AMT,RATE,CMT,SS\n1,0,.,10,2,1\n1,1,.,.,.,.\n"
    records = [Record(0, 1, 0, 10.0, 2, 0, 0, 1), Record(1.0)]
    found = made.read_predictions(made.run_text(tmp_path, capsys, table, made.write_model(TWO)))
    assert found["1"][0] == pytest.approx(10.0 / TWO.defaults["CL"], rel=1e-9)
    assert_same(found["1"], made.predict(TWO, records), 1e-9)


def numbers(value: Any) -> list[float]:
    """All numbers in a JSON document, in its order."""
    if isinstance(value, Mapping):
        return [x for inner in value.values() for x in numbers(inner)]
    if isinstance(value, list):
        return [x for inner in value for x in numbers(inner)]
    return [float(value)] if isinstance(value, (int, float)) else []


def test_a_file_and_json_say_what_standard_output_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, model = made.write_table(MIXED), made.write_model(TWO)
    plain = made.run_text(tmp_path, capsys, table, model)
    target = tmp_path / "out.csv"
    assert "PRED" not in made.run_text(tmp_path, capsys, table, model, "--out", str(target))
    assert target.read_text(encoding="utf-8") == plain
    told = numbers(json.loads(made.run_text(tmp_path, capsys, table, model, "--json")))
    for values in made.read_predictions(plain).values():
        assert set(values) <= set(told)
