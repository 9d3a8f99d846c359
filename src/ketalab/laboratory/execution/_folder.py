"""The folder of a run: what was asked for, which chunks are there, and where everything lies.

::

    DIR/manifest.json               what was asked for, by which versions, the chunks, how it ended
    DIR/chunks/000/0000012.parquet  patients of one chunk
    DIR/chunks/000/0000012.json     its range, the SHA-256 of its bytes, and what became of its patients
    DIR/result.parquet              everybody, in order
    DIR/summary.json                the document of ``simulate --json``
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ketalab.errors import InputError, KetalabError
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory.execution._durable import digest_file, read_json, write_json
from ketalab.people import Population

SCHEMA = 1
#: Packages that move the last digits or the bytes of files.
_PACKAGES = ("ketalab", "numpy", "scipy", "numba", "polars")
_MOST_MANIFEST = 100_000_000
_MOST_RECORD = 50_000_000
_IN_FOLDER = 1000


def versions() -> dict[str, str]:
    """What computes here: the same versions on the same kind of processor give the same bytes."""
    packages = {name: version(name) for name in _PACKAGES}
    return {**packages, "python": platform.python_version(), "machine": platform.machine()}


def scenario_of(document: Mapping[str, Any]) -> Scenario:
    """The scenario that a document of :meth:`Scenario.to_dict` is of.

    Raises
    ------
    InputError
        A document that is none, or a field out of range.
    """
    try:
        fields = dict(document)
        people = {**fields.pop("population"), "species": fields["species"]}
        for name in ("outputs", "times"):
            fields[name] = tuple(fields[name])
        phrase = fields.pop("phrase")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"scenario: not a document of a scenario: {error!r}") from None
    return Scenario.parse(phrase, population=Population.parse(people), **fields)


@dataclass(frozen=True)
class Manifest:
    """What a run is of, and how it stands.

    ``size`` is the patients of a chunk; ``status`` is *running*, *interrupted*, *failed* or *done*; ``table`` holds
    begin, end and SHA-256 of each chunk once all are there; ``workers`` what was measured of those who computed.
    """

    scenario: Mapping[str, Any]
    hash: str
    versions: Mapping[str, str]
    size: int
    created: str
    status: str = "running"
    finished: str | None = None
    result_sha256: str | None = None
    workers: Mapping[str, Any] = field(default_factory=dict)
    table: tuple[tuple[int, int, str], ...] = ()
    schema: int = SCHEMA

    @property
    def patients(self) -> int:
        """Patients of the whole run."""
        return int(self.scenario["patients"])

    @property
    def count(self) -> int:
        """Chunks of the whole run."""
        return -(-self.patients // self.size)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """First patient of a chunk, and the one after its last."""
        return chunk * self.size, min((chunk + 1) * self.size, self.patients)

    def check_versions(self) -> None:
        """Refuse to go on with other versions than those that began: bytes would not fit together.

        Raises
        ------
        InputError
            One line with the first version that differs.
        """
        here = versions()
        for name, was in self.versions.items():
            if here.get(name) != was:
                raise InputError(
                    f"the run was begun with {name} {was}, and here is {here.get(name, 'none')}; "
                    "go on with the same, or begin anew in another folder"
                )


@dataclass(frozen=True)
class Folder:
    """Where the parts of a run lie."""

    path: Path

    @property
    def manifest(self) -> Path:
        """What was asked for."""
        return self.path / "manifest.json"

    @property
    def result(self) -> Path:
        """The table of everybody."""
        return self.path / "result.parquet"

    @property
    def summary(self) -> Path:
        """The document of the result."""
        return self.path / "summary.json"

    @property
    def chunks(self) -> Path:
        """Where chunks lie."""
        return self.path / "chunks"

    def chunk(self, number: int) -> Path:
        """The table of a chunk; not so many in one folder that listing it takes long."""
        return self.chunks / f"{number // _IN_FOLDER:03d}" / f"{number:07d}.parquet"

    def record(self, number: int) -> Path:
        """What is known of a chunk."""
        return self.chunk(number).with_suffix(".json")

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest, durably."""
        write_json(self.manifest, {"schema": manifest.schema, **asdict(manifest)})

    def read_manifest(self) -> Manifest:
        """Read the manifest and check that it belongs to its scenario.

        Raises
        ------
        InputError
            No run in this folder, or a manifest that was changed.
        """
        if not self.path.is_dir():
            raise InputError(f"{self.path}: no such folder; name the folder of a run")
        if not self.manifest.is_file():
            raise InputError(f"{self.path}: holds no run (no manifest.json)")
        content = read_json(self.manifest, _MOST_MANIFEST)
        where = f"{self.manifest}: not a manifest"
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise InputError(f"{where} of schema {SCHEMA}")
        try:
            table = tuple((int(a), int(b), str(c)) for a, b, c in content.pop("table"))
            made = Manifest(**content, table=table)
            scenario = scenario_of(made.scenario)
            sound = isinstance(made.size, int) and 1 <= made.size <= 10_000_000
        except (KetalabError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {error}") from None
        if not sound:
            raise InputError(f"{where}: chunks of {made.size!r} patients")
        made.check_versions()
        if scenario.hash() != made.hash:
            raise InputError(
                f"{self.manifest}: its scenario and its hash differ; either was changed, "
                "or the constants are others than when the run was begun"
            )
        return made

    def read_record(self, manifest: Manifest, number: int) -> dict[str, Any] | None:
        """What is known of a chunk, if its bytes are those that were written; None if they are not.

        Raises
        ------
        FileNotFoundError
            Nothing was written of this chunk.
        """
        if not self.record(number).exists() and not self.chunk(number).exists():
            raise FileNotFoundError(self.record(number))
        try:
            record = read_json(self.record(number), _MOST_RECORD)
            fits = (record["begin"], record["end"]) == manifest.bounds(number)
            fits = fits and record["hash"] == manifest.hash
            sound = fits and digest_file(self.chunk(number)) == record["sha256"]
        except (InputError, KeyError, TypeError):
            return None
        return record if sound else None
