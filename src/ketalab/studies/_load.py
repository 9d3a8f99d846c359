"""Reading study files: a packaged one by its id, any other by its path."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ketalab._files import read_yaml
from ketalab._problems import first_problem
from ketalab.errors import StudyError
from ketalab.studies._citation import CITATION_ALIASES
from ketalab.studies._schema import Study
from ketalab.studies._write import study_schema


def studies_folder() -> Path:
    """Return the folder of the packaged study files."""
    return Path(str(files("ketalab"))) / "data" / "studies"


@lru_cache(maxsize=1)
def list_studies() -> tuple[str, ...]:
    """Return the ids of the packaged studies, in alphabetical order."""
    return tuple(
        sorted(
            path.name.removesuffix(".yaml")
            for path in studies_folder().glob("*.yaml")
            if not path.name.startswith("_")
        )
    )


def load_study(path_or_id: str | Path) -> Study:
    """Read and check one study: a packaged one by its id, any other by its path.

    Raises
    ------
    StudyError
        The file breaks the schema (one line: file, field, value, what is allowed), or the id is
        none of the packaged ones (near misses are named).
    InputError
        The file is missing, not YAML, or too large.
    """
    name = str(path_or_id)
    if name in list_studies():
        return parse_study(read_yaml(studies_folder() / f"{name}.yaml"), f"{name}.yaml")
    looks_like_path = "/" in name or "\\" in name or name.lower().endswith((".yaml", ".yml"))
    if isinstance(path_or_id, Path) or looks_like_path or Path(name).exists():
        return parse_study(read_yaml(name), name)
    near = difflib.get_close_matches(name, list_studies(), n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `studies list` names them all"
    raise StudyError(f"{name!r} is neither a packaged study nor a file{hint}", name)


def parse_study(data: Any, where: str) -> Study:
    """Check what was read from ``where``; raises :class:`~ketalab.errors.StudyError`."""
    if not isinstance(data, dict):
        raise StudyError(f"{where}: is no mapping of keys such as schema, id, arms, outcomes", data)
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        line = first_problem(error, data, study_schema(), CITATION_ALIASES)
        raise StudyError(f"{where}: {line}", data) from None
