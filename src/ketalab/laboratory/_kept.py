"""Models that are traced once and kept: what a run asks of them is read back in a tenth of the time.

The file lies beside compiled code (:func:`ketalab.engine.cache_folder`, which only its user can write), and its name
holds a hash of everything that a model is made from: the package's own files and the algebra's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from weakref import WeakKeyDictionary

from ketalab._files import atomic_path
from ketalab.engine import cache_folder
from ketalab.errors import OutputError
from ketalab.model._arithmetic import check_equations
from ketalab.model.joining import Joined
from ketalab.model.tracing import Traced, restore, trace

#: What a model's form follows from, below the package; of the data everything but what studies report.
_CODE, _DATA, _NOT = ("model", "facts"), "data", ("studies", "posterior")

#: The file of each model, without its ending.
_FILES: WeakKeyDictionary[Traced, Path] = WeakKeyDictionary()


@cache
def _digest() -> str:
    root = Path(str(files("ketalab")))
    found = [p for name in _CODE for p in (root / name).rglob("*.py")]
    found += [p for p in (root / _DATA).rglob("*.yaml") if p.relative_to(root).parts[1] not in _NOT]
    made = hashlib.sha256(version("sympy").encode())
    for path in sorted(found):
        text = path.read_bytes()
        made.update(f"\0{path.relative_to(root)}\0{len(text)}\0".encode() + text)
    return made.hexdigest()[:32]


def _write(path: Path, text: str) -> None:
    try:
        with atomic_path(path) as part:
            part.write_text(text, "utf-8")
    except (OSError, OutputError):
        pass  # a full disk costs the next start some seconds


def kept(name: str, make: Callable[[], Joined]) -> Traced:
    """The model of some layers, read from its file, or traced and written there."""
    joined, folder = make(), cache_folder()
    if folder is None:
        return trace(joined)
    path = folder / f"ketalab_model_{name}_{_digest()}.json"
    try:
        model = restore(joined, json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        model = trace(joined)
        _write(path, json.dumps(model.document()))
    _FILES[model] = path.with_suffix("")
    return model


def source_of(model: Traced) -> str:
    """The text of a model's equations for the checker, which takes the algebra ten seconds; kept beside the model."""
    if model not in _FILES or "source" in vars(model):
        return model.source
    path = _FILES[model].with_suffix(".equations")
    try:
        text = path.read_text("utf-8")
        check_equations(text)
    except (OSError, ValueError, SyntaxError):
        text = model.source
        _write(path, text)
    return text
