"""The entry point: arguments in, exit code out; every error is one line on standard error.

Exit codes: 0 done; 1 a check that was asked for failed, or the model failed; 2 bad input; 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from ketalab.cli._benefit import benefit_command, expectancy_command, microdose_command
from ketalab.cli._calibrate import calibrate_command
from ketalab.cli._catalogue import cite_app, evidence_app, facts_command, outputs_command
from ketalab.cli._compare import compare_command
from ketalab.cli._equivalent import equivalent_command
from ketalab.cli._events import events_command
from ketalab.cli._export import export_app
from ketalab.cli._hypotheses import hypotheses_command
from ketalab.cli._large import runs_command
from ketalab.cli._protocols import protocols_command
from ketalab.cli._qualify import qualify_command
from ketalab.cli._replay import replay_command
from ketalab.cli._scales import scales_command
from ketalab.cli._simulate import simulate_command
from ketalab.cli._spiking import spiking_app
from ketalab.cli._studies import studies_app
from ketalab.errors import InputError, KetalabError

app = typer.Typer(
    name="ketalab",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "A virtual laboratory for ketamine: from a dose to plasma, receptors, synapses, states and symptom "
        "scores, in virtual patients. Research and teaching only; never dosing advice."
    ),
)


def _version(value: bool) -> None:
    if value:
        from ketalab import __version__

        typer.echo(f"ketalab {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_version, is_eager=True
    ),
) -> None:
    """Options of all commands."""


app.command("simulate")(simulate_command)
app.command("outputs")(outputs_command)
app.command("compare")(compare_command)
app.command("equivalent")(equivalent_command)
app.command("benefit")(benefit_command)
app.command("expectancy")(expectancy_command)
app.command("microdose")(microdose_command)
app.command("protocols")(protocols_command)
app.command("replay")(replay_command)
app.command("calibrate")(calibrate_command)
app.command("qualify")(qualify_command)
app.command("hypotheses")(hypotheses_command)
app.command("events")(events_command)
app.add_typer(export_app, name="export")
app.add_typer(studies_app, name="studies")
app.add_typer(spiking_app, name="spiking")
app.add_typer(evidence_app, name="evidence")
app.command("scales")(scales_command)
app.command("facts")(facts_command)
app.command("runs")(runs_command)
app.command("cite")(cite_app)


_INTERRUPT_CODE = 130
_INTERRUPTED = "interrupted; nothing was left half-written"


def spread_outputs(arguments: Sequence[str]) -> list[str]:
    """Let one ``--output`` take several names: ``--output A B`` reads as ``--output A --output B``.

    Names of outputs hold no space and start with no dash; a phrase does hold spaces.
    """
    spread: list[str] = []
    taking = False
    for i, word in enumerate(arguments):
        if (
            taking
            and not word.startswith("-")
            and " " not in word
            and arguments[i - 1] != "--output"
        ):
            spread.append("--output")
        elif word.startswith("-") or " " in word:
            taking = word == "--output"
        spread.append(word)
    return spread


def read_dashes(arguments: Sequence[str]) -> list[str]:
    """Let a phrase such as ``-0.5 mg/kg ketamine iv`` be read, and refused, as a phrase and not as an option."""
    phrases = [
        word for word in arguments if word.startswith("-") and " " in word and "=" not in word
    ]
    if not phrases or "--" in arguments:
        return list(arguments)
    return [*(word for word in arguments if word not in phrases), "--", *phrases]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    # What is read and traced at the start lives until the end: looking for garbage in it takes 5% of a cold start.
    gc.set_threshold(100_000, *gc.get_threshold()[1:])
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    with _stopped_like_interrupted():
        return _run(words)


@contextmanager
def _stopped_like_interrupted() -> Iterator[None]:
    """A request to end (SIGTERM, SIGHUP) unwinds as Ctrl-C does, so that no half-written file stays."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        names = []
    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _run(words: list[str]) -> int:
    try:
        code = int(app(read_dashes(spread_outputs(words)), standalone_mode=False) or 0)
        sys.stdout.flush()
        return _say(_INTERRUPTED, code) if code == _INTERRUPT_CODE else code
    except (typer.Abort, KeyboardInterrupt):
        return _say(_INTERRUPTED, _INTERRUPT_CODE)
    except typer.TyperException as error:
        return _say(_usage(error), 2)
    except InputError as error:
        return _say(str(error), 2)
    except KetalabError as error:
        # A run that ended before its time says with which code.
        return _say(str(error), getattr(error, "code", 1))
    except SystemExit as stop:
        # typer ends so, with 1, where the reader went away (`| head`): nothing to say, and nobody to say it to.
        if stop.code != 1:
            raise
        _drop_output()
        return 0
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        where = error.filename or "standard output"
        return _say(f"{where}: cannot be written: {error.strerror or error}", 2)
    except MemoryError:
        return _say("not enough memory; ask for fewer patients, times or outputs", 1)


def _drop_output() -> None:
    """Nothing more can be written to standard output; the interpreter must not try at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: typer.TyperException) -> str:
    """One line for a usage error: the option, what is wrong, and where help is."""
    text = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "ketalab")
    if not text or "Usage:" in text:
        return f"{command}: a command is missing (see `{command} --help`)"
    return f"{text.rstrip('.')} (see `{command} --help`)"


def _say(message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"ketalab: {line}", file=sys.stderr)
    return code
