"""A large run from its beginning to its end, and on from where it was left."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ketalab.errors import KetalabError, OutputError, ScenarioError, SolutionError
from ketalab.laboratory._ranges import look_up
from ketalab.laboratory._result import Result
from ketalab.laboratory._scenario import Scenario
from ketalab.laboratory.execution._chunks import choose_size, columns_about
from ketalab.laboratory.execution._columns import Tally, result_of
from ketalab.laboratory.execution._drive import TRIES, drive
from ketalab.laboratory.execution._durable import digest_file, sweep, write_json
from ketalab.laboratory.execution._errors import (
    DamagedError,
    InterruptedRunError,
    StoppedError,
    way_on,
)
from ketalab.laboratory.execution._folder import Folder, Manifest, scenario_of, versions
from ketalab.laboratory.execution._lock import LOCK, hold
from ketalab.laboratory.execution._registry import Noted, now
from ketalab.laboratory.execution._rooms import Room
from ketalab.laboratory.execution._table import assemble
from ketalab.laboratory.execution._worker import Task, peak_mb

#: Hears (patients done, patients in all); at the first call, what an earlier run had done.
Progress = Callable[[float, int], None]
#: Hears a line for the reader.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Finished:
    """A large run that is done: its folder, its table (one row a patient), and the result that is read from it."""

    folder: Path
    table: Path
    result: Result


def start(
    scenario: Scenario,
    folder: Path | str,
    room: Room,
    *,
    size: int | None = None,
    progress: Progress | None = None,
) -> Finished:
    """Simulate a scenario chunk by chunk into a new or empty folder.

    Parameters
    ----------
    room : where chunks are computed; it stays open.
    size : patients of a chunk; chosen where not given. No byte of the result depends on it.
    progress : hears how many patients are done.

    Raises
    ------
    ScenarioError
        What the laboratory cannot simulate; nothing is written.
    OutputError
        A folder that holds something, or cannot be written.
    InUseError
        Another run works there.
    StoppedError
        The run ended before its time; the line says how to go on.
    SolutionError
        As :func:`ketalab.laboratory.simulate` raises it.
    """
    path = Path(folder)
    asked = look_up(scenario)
    if not asked.infos:
        raise ScenarioError("outputs: none of them has a number to write", scenario.outputs)
    if contextvars.Context().run(scenario.hash) != scenario.hash():
        raise ScenarioError(
            "a large run takes constants and posterior as they are packaged; "
            "put weights of hypotheses into the scenario"
        )
    if size is not None and not 1 <= size <= scenario.patients:
        raise ScenarioError(f"size: {size} is not allowed; allowed: 1 to {scenario.patients}")
    size = size or choose_size(scenario.patients, room.workers, columns_about(scenario, asked))
    manifest = Manifest(scenario.to_dict(), scenario.hash(), versions(), size, now())
    _make(path)
    with hold(path):
        if [found for found in path.iterdir() if found.name != LOCK]:
            held = Folder(path).manifest.is_file()
            hint = (
                f"it holds a run; `{way_on(path)}` goes on with it" if held else "it is not empty"
            )
            raise OutputError(f"{path}: {hint}; name a new or empty folder")
        return _Run(Folder(path), manifest, scenario, progress).go(room)


def _make(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise OutputError(f"{path}: the folder {str(path.parent)!r} does not exist") from None
    except FileExistsError:
        raise OutputError(f"{path}: is a file; name a folder") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None


def read_scenario(folder: Path | str) -> Scenario:
    """The scenario of the run in a folder.

    Raises
    ------
    InputError
        No run there, or one of other versions.
    """
    return scenario_of(Folder(Path(folder)).read_manifest().scenario)


def resume(
    folder: Path | str,
    room: Room,
    *,
    progress: Progress | None = None,
    say: Say | None = None,
) -> Finished:
    """Go on with the run in a folder: chunks that are missing or damaged are computed, all others are kept.

    Parameters
    ----------
    say : hears how many chunks are there, missing and damaged.

    Raises
    ------
    InputError
        No run there, or one of other versions.
    InUseError
        Another run works there.
    StoppedError, SolutionError
        As :func:`start` raises them.
    """
    path = Path(folder)
    Folder(path).read_manifest()
    with hold(path):
        # Read under the lock: whoever held it may just have finished.
        manifest = Folder(path).read_manifest()
        scenario = scenario_of(manifest.scenario)
        return _Run(Folder(path), manifest, scenario, progress, say).go(room)


class _Run:
    """One run while its lock is held."""

    def __init__(
        self,
        folder: Folder,
        manifest: Manifest,
        scenario: Scenario,
        progress: Progress | None,
        say: Say | None = None,
    ) -> None:
        self.folder, self.manifest, self.scenario = folder, manifest, scenario
        self.progress, self.say, self.note = progress, say, Noted(folder.path)
        self.hashes: dict[int, str] = {}
        self.tally, self.done = Tally(), 0
        self.peaks: dict[str, float] = {}

    def go(self, room: Room) -> Finished:
        """Compute what is missing, put it together, and say how it ended whatever happens."""
        try:
            self._begin()
            for _ in range(TRIES):
                try:
                    self._compute(room)
                    return self._finish(room)
                except DamagedError as error:
                    # Found while putting together: once more from what is sound.
                    self.hashes.pop(error.chunk)
                    self.tally, self.done = Tally(), 0
                    self._look(None)
            raise OutputError(f"{self.folder.path}: chunks do not stay as they are written")
        except KeyboardInterrupt:
            self._end("interrupted")
            raise InterruptedRunError(f"interrupted; {self._kept()}") from None
        except SolutionError:
            self._end("failed")
            raise
        except (KetalabError, OSError) as error:
            self._end("failed")
            reason = error if isinstance(error, KetalabError) else error.strerror or error
            raise StoppedError(f"{reason}; {self._kept()}") from None
        except BaseException:
            self._end("failed")
            raise

    def _kept(self) -> str:
        kept = f"{len(self.hashes)} of {self.manifest.count} chunks are kept"
        return f"{kept}; go on with: {way_on(self.folder.path)}"

    def _begin(self) -> None:
        sweep(self.folder.path)
        self.manifest = replace(self.manifest, status="running")
        self.folder.chunks.mkdir(exist_ok=True)
        self.folder.write_manifest(self.manifest)
        self.note(self.manifest)
        self._look(self.say)

    def _look(self, say: Say | None) -> None:
        """Take over the chunks that are there and whole."""
        self.hashes, missing, damaged = {}, 0, 0
        for number in range(self.manifest.count):
            try:
                record = self.folder.read_record(self.manifest, number)
            except FileNotFoundError:
                missing += 1
                continue
            if record is None:
                damaged += 1
            else:
                self._take({**record, "number": number})
        if say is not None:
            again = f"{missing} missing and {damaged} damaged are computed"
            say(f"{len(self.hashes)} of {self.manifest.count} chunks are there; {again}")
        self._tick()

    def _take(self, record: dict[str, Any]) -> None:
        self.hashes[record["number"]] = record["sha256"]
        self.done += record["end"] - record["begin"]
        self.tally.add(record)
        if "worker" in record:
            name = record["worker"]
            self.peaks[name] = max(record["peak_mb"], self.peaks.get(name, 0.0))
            if self.scenario.failed == "raise" and record["failed"]:
                self._refuse_failed(record["failed"])
        self._tick()

    def _refuse_failed(self, failed: dict[str, str]) -> None:
        name, reason = next(iter(failed.items()))
        who = name if name == "typical" else f"patient {name}"
        raise SolutionError(
            f"{who} failed: {reason}; --failed keep leaves such patients out (in a new folder)"
        )

    def _tick(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.manifest.patients)

    def _compute(self, room: Room) -> None:
        if self.scenario.failed == "raise" and self.tally.failed:
            self._refuse_failed(self.tally.failed)
        document = json.dumps(self.manifest.scenario, sort_keys=True)
        tasks = (
            Task(
                str(self.folder.path.resolve()),
                document,
                self.manifest.hash,
                tuple(self.manifest.versions.items()),
                number,
                *self.manifest.bounds(number),
            )
            for number in range(self.manifest.count)
            if number not in self.hashes
        )
        try:
            drive(room, list(tasks), self._take, self._tick)
        except BaseException:
            room.close()
            raise
        self.tally.check().refuse_many_above()

    def _finish(self, room: Room) -> Finished:
        whole = self.manifest.result_sha256
        if whole is None or digest_file(self.folder.result) != whole:
            assemble(self.folder, self.manifest, self.hashes, lambda _: self._tick())
        asked = look_up(self.scenario)
        result = result_of(self.scenario, asked, self.tally, self.folder.result)
        write_json(self.folder.summary, result.document())
        bounds = [self.manifest.bounds(n) for n in range(self.manifest.count)]
        self._end(
            "done",
            finished=now(),
            result_sha256=digest_file(self.folder.result),
            workers=self._measured(room),
            table=tuple((*b, self.hashes[n]) for n, b in enumerate(bounds)),
        )
        return Finished(self.folder.path, self.folder.result, result)

    def _measured(self, room: Room) -> dict[str, Any]:
        """Largest resident memory, MB: of each worker that computed in this run, and of the process that led it."""
        if not self.peaks:
            return dict(self.manifest.workers)
        peaks = {name: round(peak, 1) for name, peak in sorted(self.peaks.items())}
        return {"count": room.workers, "peak_mb": peaks, "leader_peak_mb": round(peak_mb(), 1)}

    def _end(self, status: str, **changes: Any) -> None:
        """Write down how the run stands; a full disk must not hide why it ended."""
        self.manifest = replace(self.manifest, status=status, **changes)
        try:
            self.folder.write_manifest(self.manifest)
        except OutputError:
            if status == "done":
                raise
        self.note(self.manifest)
