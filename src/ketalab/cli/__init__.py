"""The command line: thin, and quick to answer ``--help``. Science is imported inside the commands."""

from ketalab.cli._main import app, main

__all__ = ["app", "main"]
