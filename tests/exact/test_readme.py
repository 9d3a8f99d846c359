"""What the README states is what the laboratory says of itself."""

from __future__ import annotations

import re
from pathlib import Path

from ketalab.cli import main
from ketalab.facts import facts

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readme_counts_sourced_and_assumed_constants() -> None:
    assumed = sum(record.assumed for record in facts().values())
    stated = {
        word: int(re.search(rf"<!-- {word} -->(\d+)<!-- /{word} -->", README)[1])  # type: ignore[index]
        for word in ("sourced", "assumed")
    }
    assert stated == {"sourced": len(facts()) - assumed, "assumed": assumed}


def test_every_file_that_the_readme_points_at_exists() -> None:
    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (root / target).is_file(), target


def test_the_commands_of_the_readme_run(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "TABLE.csv").write_text("ID,TIME,AMT\n1,0,100\n1,6,.\n")
    (tmp_path / "MODEL.yaml").write_text("builtin: human_ketamine\n")
    block = README.split("```shell")[2].split("```")[0]
    lines = [line.split(" #")[0].strip() for line in block.splitlines() if "ketalab" in line]
    assert len(lines) >= 6
    import shlex

    for line in lines:
        for command in line.split("&&"):
            words = shlex.split(command)[1:]
            if words[0] == "simulate":
                words += ["--patients", "5"]
            if words[0] == "replay":
                words += ["--replicates", "5"]
            assert main(words) == 0, command
    assert (tmp_path / "berman.html").stat().st_size > 10_000
    capsys.readouterr()


def test_the_python_of_the_readme_runs() -> None:
    code = README.split("```python")[1].split("```")[0].replace("patients=100", "patients=5")
    space: dict[str, object] = {}
    exec(compile(code, "README", "exec"), space)  # the README is ours
    assert space["result"]
