"""What several commands share: printing JSON and tables, reading lists of times and whom to simulate."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from ketalab.people import Population

#: What is given where no phrase is.
DEFAULT_PHRASE = "0.5 mg/kg ketamine iv over 40 min"


def print_json(document: Any) -> None:
    """Print one JSON document and nothing else; NaN and infinity are refused by the encoder."""
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table on standard output; the first column never wraps."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else 150, soft_wrap=False)
    console.print(table, markup=False)


def plain_text(text: str) -> str:
    """Signs that every terminal shows."""
    return text.replace("\u2212", "-").replace("\u2013", "-")


def print_warnings(lines: Iterable[str]) -> None:
    """Say on standard error what a scenario asks beyond what is known, a line each."""
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


def parse_times(text: str) -> tuple[float, ...]:
    """Read ``0:24:0.5`` (start, stop, step) or ``1,2,24``, hours.

    Raises
    ------
    ScenarioError
        Not numbers, a step that is not positive, or more than 10,000 times.
    """
    from ketalab.laboratory import MAX_TIMES

    say = f"--times {text!r}: give start:stop:step or a list such as 1,2,24 (hours)"
    try:
        numbers = [float(part) for part in text.replace(",", ":").split(":")]
    except ValueError:
        raise ScenarioError(say, text) from None
    if not all(math.isfinite(n) for n in numbers):
        raise ScenarioError(say, text)
    if ":" not in text:
        return tuple(sorted(set(numbers)))
    if len(numbers) != 3 or numbers[2] <= 0 or numbers[1] < numbers[0]:
        raise ScenarioError(say, text)
    start, stop, step = numbers
    steps = (stop - start) / step * (1 + 1e-12)
    if not steps < MAX_TIMES:
        raise ScenarioError(f"--times {text!r}: too many times; at most {MAX_TIMES:,}", text)
    count = math.floor(steps) + 1
    return tuple(min(round(start + i * step, 12), stop) for i in range(count))


def read_population(
    file: Path | None,
    weight: float | None,
    age: float | None,
    sex: str | None,
    genotype: list[str],
    species: str = "human",
) -> Population:
    """A population file with what the single options say in place of it; they are those of ``simulate``.

    Of rats and mice nothing but the weight may be said.

    Raises
    ------
    ScenarioError
        A field or an option that is not allowed.
    """
    from ketalab.people import Population

    content: dict[str, Any] = {"species": species}
    if file is not None:
        content = Population.read(file, species).model_dump(exclude_defaults=True)
        content.setdefault("species", "human")
    if weight is not None:
        content["weight_kg"] = weight
    if age is not None:
        content["age"] = age
    if sex is not None:
        shares = {"f": 100.0, "m": 0.0, "female": 100.0, "male": 0.0}
        if sex.lower() not in shares:
            raise ScenarioError(f"--sex {sex!r} is not allowed; allowed: f, m", sex)
        content["female_percent"] = shares[sex.lower()]
    genes = dict(content.get("genotype", {}))
    for pair in genotype:
        gene, _, alleles = pair.partition("=")
        genes[gene.strip().lower()] = alleles.strip()
    if genes:
        content["genotype"] = genes
    return Population.parse(content, "population")
