"""Settings of the manual."""

import re
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

from ketalab import __version__

project = "Ketalab"
author = "The Ketalab authors"
project_copyright = "The Ketalab authors"
release = version = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "generated"]
language = "en-GB"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Ketalab {release}"
html_show_sphinx = False


#: A drawing of the body's compartments, and the same in words.
_DRAWING = """\
![Compartments of S-ketamine, the flows and the routes; the table below says the same.](generated/body_compartments.svg)

<details>
<summary>The drawing as a table</summary>

{table}
</details>
"""


def _leave_out_missing_pages(app: Any, page: str, source: list[str]) -> None:
    """The contents name every page of the plan; one that is not written yet is left out of them.

    The other way round, a page that the contents do not name is a warning, and so an error.
    """
    if page == "index":
        written = {path.stem for path in Path(app.srcdir).glob("*.md")}
        source[0] = re.sub(
            r"^[a-z]+\n", lambda m: m[0] if m[0].strip() in written else "", source[0], flags=re.M
        )


def _write_generated(app: Any) -> None:
    """Write what layers and facts say of themselves, for the pages to include.

    A file is touched only when its text has changed, so that Sphinx builds again what it must.
    """
    from ketalab.facts import DATA, citations, facts, render, scales
    from ketalab.model import join
    from ketalab.model.body import ketamine
    from ketalab.model.brain import brain
    from ketalab.model.diagram import compartments, flow_table, write_svg
    from ketalab.model.harm import harm
    from ketalab.model.mind import behaviour, belief, mind, states
    from ketalab.model.tracing import trace
    from ketalab.model.writing import fact_table, layer_manual
    from ketalab.people import PEOPLE_FACTS
    from ketalab.report import cards_manual

    known = facts()
    of_scales = dict.fromkeys(
        name for scale in scales().values() for name in scale.model_dump().values() if name in known
    )
    # The body's page is of ketamine; the other drugs' equations are their data files.
    layers = (brain, states, belief, mind, behaviour, harm)
    pages = {make.__name__: layer_manual(make()) for make in layers}
    pages["body"] = layer_manual(ketamine())
    shown = "\n".join(pages.values())
    pages["people"] = fact_table(PEOPLE_FACTS)
    pages["cards"] = cards_manual()
    pages["scales"] = fact_table(of_scales)
    listed = {*PEOPLE_FACTS, *of_scales}
    pages["others"] = fact_table(n for n in known if f"`{n}`" not in shown and n not in listed)
    references = (
        f"`{key}`\n: {render([item], 'text').strip()}" for key, item in citations().items()
    )
    pages["references"] = "\n\n".join(references) + "\n"
    drawn = compartments(trace(join((ketamine(),))), "S-ketamine")
    pages["body_compartments"] = _DRAWING.format(table=flow_table(drawn))
    texts = {f"{name}.md": text for name, text in pages.items()}
    texts["body_compartments.svg"] = write_svg(drawn)
    texts |= {file.name: file.read_text("utf-8") for file in (DATA / "spiking").glob("*.svg")}
    folder = Path(app.srcdir) / "generated"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    # Examples of phrases carry their own name, so that tests find them; they have no colours.
    for name in ("phrase", "phrase-error"):
        app.add_lexer(name, TextLexer)
    app.connect("builder-inited", _write_generated)
    app.connect("source-read", _leave_out_missing_pages)
