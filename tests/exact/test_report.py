"""The report of replays: one file, complete without a network, honest about misses."""

from __future__ import annotations

import dataclasses
import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.dom import minidom

import pytest

from ketalab import __version__
from ketalab.errors import OutputError
from ketalab.facts import fact
from ketalab.report import write_replay_report
from ketalab.studies import Replay

shared = runpy.run_path(str(Path(__file__).with_name("_report.py")))
read_page, read_trial, rename = shared["read_page"], shared["read_trial"], shared["rename"]
HOSTILE = "<script>alert('x')</script>\" onload=\"x&amp;"


@pytest.fixture(scope="module")
def replay() -> Replay:
    made: Replay = shared["replay_trial"]()
    return made


@pytest.fixture(scope="module")
def path(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_replay_report([replay], tmp_path_factory.mktemp("report") / "invented.html")


@pytest.fixture(scope="module")
def page(path: Path) -> Any:
    return read_page(path)


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def rows_of(page: Any) -> list[Any]:
    (table,) = page.xpath("//table[contains(caption, 'Misses first')]")
    return [row for row in table.xpath("./tbody/tr") if row.xpath("./td")]


def test_the_page_states_its_language_and_has_one_title(page: Any) -> None:
    assert page.get("lang") == "en-GB"
    (title,) = page.xpath("//h1")
    assert words(title) == "An invented trial for tests"


def test_headings_go_down_one_step_at_a_time(page: Any) -> None:
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4|//h5")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_parts_come_in_the_order_in_which_they_are_asked_for(page: Any) -> None:
    assert [words(heading) for heading in page.xpath("//h1|//h2")][1:] == [
        "What was simulated",
        "Observed against predicted",
        "Figures",
        "What was assumed about this study",
        "How far to trust this",
        "Constants used",
        "References of the constants",
        "How to repeat this",
        "Limits",
    ]


def test_nothing_is_fetched_and_nothing_runs(page: Any, path: Path) -> None:
    assert not page.xpath("//script|//link|//img|//iframe|//object|//embed|//base|//form")
    assert not page.xpath(
        "//@src|//@srcset|//@*[starts-with(name(), 'on')]|//@xlink:href",
        namespaces={"xlink": "http://www.w3.org/1999/xlink"},
    )
    assert all(re.match(r"https://doi\.org/10\.|#", link) for link in page.xpath("//@href"))
    text = path.read_text(encoding="utf-8")
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert "default-src 'none'" in policy


def test_the_citation_links_to_its_doi(page: Any) -> None:
    assert page.xpath("//a/@href")[0] == "https://doi.org/10.1234/invented(1)"


def test_every_figure_has_a_description_with_numbers_and_a_table(page: Any) -> None:
    figures = page.xpath("//figure")
    assert len(figures) == 5
    for figure in figures:
        assert figure.get("role") == "img"
        assert len(re.findall(r"\d", figure.get("aria-label"))) > 10
        details = figure.xpath("./following-sibling::details[1]")
        cells = details[0].xpath(".//table//td")
        assert cells, figure.get("aria-label")
        assert all(words(cell) for cell in cells)


def test_every_picture_stands_in_a_described_figure_or_beside_its_words(page: Any) -> None:
    pictures = page.xpath("//svg")
    assert len(pictures) > 8
    for picture in pictures:
        assert picture.get("aria-hidden") == "true" or picture.xpath("./ancestor::figure")


def test_every_axis_names_its_unit(page: Any) -> None:
    told = {words(text) for text in page.xpath("//figure//svg//text")}
    assert {
        "ng/mL in venous plasma",
        "% of receptors blocked",
        "dissociation, % of the rating scale",
        "rise of systolic pressure, mmHg",
        "points on HDRS25",
        "hours after the start of treatment",
        "days after the start of treatment",
        "% of virtual trials",
        "change in HDRS25, points",
    } <= told


def test_no_id_is_used_twice_and_every_picture_is_well_formed(page: Any, path: Path) -> None:
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    pictures = re.findall(r"<svg.*?</svg>", path.read_text(encoding="utf-8"), re.DOTALL)
    for picture in pictures:
        minidom.parseString(picture)


def test_misses_come_first_and_are_marked_in_words(page: Any) -> None:
    told = [words(row) for row in rows_of(page)]
    assert "change in HDRS25" in told[0]
    assert "placebo" in told[0]
    assert "missed" in told[0]
    assert all("missed" not in text for text in told[1:])


def test_observed_values_stand_beside_their_predictions(page: Any, replay: Replay) -> None:
    by_observed = {
        float(value.get("value")): words(row)
        for row in rows_of(page)
        for value in row.xpath(".//data")
    }
    assert set(by_observed) == {-10.0, -24.5, 50.0, 31.0}
    low, high = replay.rows[0]["predicted"]["pi90"]
    assert f"{low:.1f} to {high:.1f}".replace("-", "\u2212") in by_observed[-10.0]
    assert "\u221210.0 points" in by_observed[-10.0]
    assert "SD 9.00, n = 6" in by_observed[-10.0]


def test_the_published_point_is_drawn_from_the_baseline_of_its_arm(page: Any) -> None:
    (figure,) = page.xpath("//figure[starts-with(@aria-label, 'Symptom score')]")
    drawn = {words(text) for text in figure.xpath(".//svg//text")}
    assert {"observed 23.0", "observed 2.4"} <= drawn  # 33.0 - 10 and 26.9 - 24.5
    half = 1.96 * 9 / 6**0.5
    assert f"95% interval {23 - half:.1f} to {23 + half:.1f}" in figure.get("aria-label")


def test_a_published_concentration_is_drawn_in_its_panel(page: Any) -> None:
    (figure,) = page.xpath("//figure[starts-with(@aria-label, 'Plasma')]")
    assert "31.0" in {words(text) for text in figure.xpath(".//svg//text")}
    assert "1 published concentration drawn" in figure.get("aria-label")


def test_a_row_that_is_not_verified_is_marked_and_one_that_is_skipped_has_its_reason(
    page: Any,
) -> None:
    assert "not counted: not verified in its source" in words(rows_of(page)[-1])
    (skipped,) = page.xpath("//li[contains(., 'mood ring')]")
    assert words(skipped).startswith("1 row: no model yet of the measure 'mood ring'")


def test_sharpness_is_the_ratio_of_the_widths(page: Any, replay: Replay) -> None:
    predicted = replay.rows[0]["predicted"]
    ratio = (predicted["pi90"][1] - predicted["pi90"][0]) / (2 * 1.645 * 9 / 6**0.5)
    (row,) = [row for row in rows_of(page) if row.xpath(".//data[@value='-10.0']")]
    assert words(row).endswith(f"× {ratio:.2f}")


def test_constants_are_counted_and_the_assumed_ones_listed(page: Any, replay: Replay) -> None:
    used = set(replay.facts)
    assumed = {name for name in used if fact(name).assumed}
    text = words(page.xpath("//section[@aria-labelledby='constants']")[0])
    assert f"{len(used)} constants stand behind these predictions: " in text
    assert f"{len(used - assumed)} with a source, {len(assumed)} assumed" in text
    (table,) = page.xpath("//table[contains(caption, 'Assumed constants')]")
    assert {words(cell) for cell in table.xpath(".//tbody//th")} == assumed


def test_the_page_says_how_to_repeat_it_and_what_it_is_not_for(page: Any) -> None:
    text = words(page)
    assert "ketalab replay invented --replicates 24 --seed 0 --report invented.html" in text
    assert __version__ in words(page.xpath("//section[@aria-labelledby='repeat']")[0])
    assert "validate: this study is held out" in text
    assert "For research and teaching only." in text
    assert "recommend no dose" in text


def test_the_same_replay_gives_the_same_bytes(replay: Replay, path: Path, tmp_path: Path) -> None:
    again = write_replay_report([replay], tmp_path / "other name.html")
    assert again.read_bytes() == path.read_bytes()


def test_text_from_a_study_file_stays_text(replay: Replay, tmp_path: Path) -> None:
    study = replay.study
    outcomes = [row.model_copy(update={"source": HOSTILE}) for row in study.outcomes]
    outcomes[0] = outcomes[0].model_copy(update={"unit": HOSTILE})
    citation = {"type": "article-journal", "title": HOSTILE, "DOI": 'x" onclick="y'}
    hostile = study.model_copy(
        update={
            "outcomes": tuple(outcomes),
            "citation": citation,
            "design": study.design.model_copy(update={"setting": (HOSTILE,)}),
            "population": study.population.model_copy(update={"condition": HOSTILE}),
            "arms": (
                study.arms[0].model_copy(update={"background": (HOSTILE,)}),
                study.arms[1].model_copy(update={"unmodelled": (HOSTILE,)}),
            ),
            "assumed": (study.assumed[0].model_copy(update={"why": HOSTILE, "value": HOSTILE}),),
        }
    )
    rows = [dict(row) for row in replay.rows]
    rows[1]["measure"] = HOSTILE  # reaches a picture: the axis of its distribution
    rows[5] |= {"measure": HOSTILE, "skipped": HOSTILE}
    bad = dataclasses.replace(replay, study=hostile, rows=rows, assumed=(HOSTILE,))
    path = write_replay_report([bad], tmp_path / "hostile.html")
    page = read_page(path)
    assert not page.xpath("//script|//@onload|//@onclick")
    assert words(page.xpath("//h1")[0]) == HOSTILE
    assert any("<script>" in words(text) for text in page.xpath("//svg//text"))
    for picture in re.findall(r"<svg.*?</svg>", path.read_text(encoding="utf-8"), re.DOTALL):
        minidom.parseString(picture)


def test_control_characters_do_not_reach_the_page(replay: Replay, tmp_path: Path) -> None:
    bad = dataclasses.replace(replay, assumed=("a\x1b[31m\x00b",))
    text = write_replay_report([bad], tmp_path / "a.html").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\x00" not in text


def test_several_studies_share_one_page_and_those_with_misses_come_first(
    replay: Replay, tmp_path: Path
) -> None:
    fine = [row | {"inside": True} if row["inside"] is False else row for row in replay.rows]
    good = rename(dataclasses.replace(replay, rows=fine), "agrees")
    bad = rename(replay, "disagrees")
    page = read_page(write_replay_report([good, bad], tmp_path / "both.html"))
    assert words(page.xpath("//h1")[0]) == "2 published studies replayed"
    table = page.xpath("//table")[0]
    assert [words(cell) for cell in table.xpath(".//tbody//th")] == ["disagrees", "agrees"]
    for link in table.xpath(".//a/@href"):
        assert page.xpath("//*[@id=$id]", id=link[1:])
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_a_study_that_cannot_be_simulated_still_has_its_page(tmp_path: Path) -> None:
    from ketalab.studies import replay_study

    study = read_trial(shared["TRIAL"].replace("species: human", "species: in_vitro"))
    page = read_page(write_replay_report([replay_study(study, 2)], tmp_path / "cells.html"))
    assert not page.xpath("//figure")
    assert "no row of this study can be replayed yet" in words(page)
    assert "by route 'iv' has no model yet; modelled: local" in words(page)


@pytest.mark.parametrize("place", ["missing/report.html", "."])
def test_a_report_that_cannot_be_written_leaves_nothing(
    replay: Replay, tmp_path: Path, place: str
) -> None:
    with pytest.raises(OutputError):
        write_replay_report([replay], tmp_path / place)
    assert not list(tmp_path.iterdir())


def test_a_failure_while_writing_keeps_the_old_report(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="No space left"):
        write_replay_report([replay], path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no replay"):
        write_replay_report([], tmp_path / "a.html")
