"""Settings of the manual."""

import re
from importlib.metadata import version as _version
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

project = "Ketalab"
author = "The Ketalab authors"
project_copyright = "The Ketalab authors"
release = version = _version("ketalab")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
language = "en-GB"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Ketalab {release}"
html_show_sphinx = False


def _leave_out_missing_pages(app: Any, page: str, source: list[str]) -> None:
    """The contents name every page of the plan; one that is not written yet is left out of them.

    The other way round, a page that the contents do not name is a warning, and so an error.
    """
    if page == "index":
        written = {path.stem for path in Path(app.srcdir).glob("*.md")}
        source[0] = re.sub(
            r"^[a-z]+\n", lambda m: m[0] if m[0].strip() in written else "", source[0], flags=re.M
        )


def setup(app: Any) -> None:
    # Examples of phrases carry their own name, so that tests find them; they have no colours.
    for name in ("phrase", "phrase-error"):
        app.add_lexer(name, TextLexer)
    app.connect("source-read", _leave_out_missing_pages)
