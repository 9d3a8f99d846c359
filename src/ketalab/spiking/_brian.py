"""The one door to Brian2, which only the extra ``spiking`` installs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ketalab.errors import ScenarioError


def load_brian() -> Any:
    """Import Brian2 and have it write its code for numpy, which needs no compiler.

    Raises
    ------
    ScenarioError
        Brian2 is not installed, or does not work with the installed numpy.
    """
    try:
        with quietly():
            import brian2
    except ImportError as error:
        raise ScenarioError(
            f"spiking populations need the extra `spiking`: pip install 'ketalab[spiking]' ({error})"
        ) from None
    brian2.prefs.codegen.target = "numpy"
    return brian2


@contextmanager
def quietly() -> Iterator[None]:
    """Leave out what libraries below Brian2 say of names that they will drop one day."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
