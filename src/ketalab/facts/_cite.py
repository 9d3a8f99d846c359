"""Citations as people paste them: BibTeX, RIS, Harvard plain text, CSL-JSON.

Each style is written by the library that also reads it. Keys are the same in every style, so that
two exports of one result can be laid side by side.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from ketalab.errors import InputError, closest
from ketalab.facts._csl import ET_AL, Csl, csl_from_record, key_citations, year_of

__all__ = ["Style", "csl_from_record", "render"]

Style = Literal["bibtex", "ris", "text", "csl-json"]

_STYLE_FILE = "harvard-cite-them-right"  # the one style that citeproc-py carries itself
_SHOWN = ("id", "type", "title", "container-title", "publisher", "volume", "issue", "page", "DOI")
_NAME_PARTS = ("family", "given", "suffix", "dropping-particle", "non-dropping-particle")
_BIBTEX_TYPES = {
    "article-journal": "article",
    "book": "book",
    "chapter": "incollection",
    "paper-conference": "inproceedings",
    "report": "techreport",
    "thesis": "phdthesis",
}
_RIS_TYPES = {
    "article-journal": "JOUR",
    "book": "BOOK",
    "chapter": "CHAP",
    "dataset": "DATA",
    "paper-conference": "CPAPER",
    "report": "RPRT",
    "thesis": "THES",
    "webpage": "ELEC",
}


def _latex_escape() -> Callable[[str], str]:
    """Make a function that writes text as LaTeX, character by character.

    What the tables of pylatexenc do not read back as it was (they lose the accent of "ű") stays
    the character itself, which today's BibTeX takes as UTF-8.
    """
    from pylatexenc.latex2text import LatexNodes2Text  # bibtexparser brings it and uses it itself
    from pylatexenc.latexencode import UnicodeToLatexEncoder

    encode = UnicodeToLatexEncoder(unknown_char_warning=False).unicode_to_latex
    decode = LatexNodes2Text(math_mode="text").latex_to_text
    # BibTeX counts braces before it knows of backslashes, so braces are spelled out.
    table = {"{": r"\ensuremath{\lbrace}", "}": r"\ensuremath{\rbrace}", "^": r"{\textasciicircum}"}

    def escape(text: str) -> str:
        for character in set(text) - table.keys():
            latex = str(encode(character))
            table[character] = latex if decode(latex) == character else character
        return "".join(table[character] for character in text)

    return escape


def _bibtex(items: list[Csl]) -> str:
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.model import Entry, Field

    escape = _latex_escape()

    def author(name: dict[str, str]) -> str:
        if "family" not in name:
            return "{" + escape(name.get("literal") or name.get("given", "")) + "}"
        particle = name.get("non-dropping-particle") or name.get("dropping-particle")
        family = f"{particle} {name['family']}" if particle else name["family"]
        return ", ".join(
            "{" + escape(part) + "}" if re.search(r",|\band\b", part) else escape(part)
            for part in (family, name.get("suffix"), name.get("given"))
            if part
        )

    def verbatim(address: str) -> str:  # the macros of doi and url take all but braces as it is
        return address.replace("{", "%7B").replace("}", "%7D")

    def values(item: Csl) -> dict[str, str]:
        names = [name for name in item.get("author", []) if name.get("literal") != ET_AL]
        others = ["others"] if len(names) < len(item.get("author", [])) else []
        container = "booktitle" if item["type"] in ("chapter", "paper-conference") else "journal"
        title = escape(item.get("title", ""))
        return {
            "author": " and ".join([*map(author, names), *others]),
            "title": "{" + title + "}" if title else "",  # the braces keep its capitals
            container: escape(item.get("container-title", "")),
            "publisher": escape(item.get("publisher", "")),
            "year": escape(year_of(item)),
            "volume": escape(item.get("volume", "")),
            "number": escape(item.get("issue", "")),
            "pages": re.sub(r"[-–]+", "--", item.get("page", "")),
            "doi": verbatim(item.get("DOI", "")),
            "url": verbatim(item.get("URL", "")),
            "pmid": escape(item.get("PMID", "")),
        }

    library = Library()
    for item in items:
        fields = [Field(key, value) for key, value in values(item).items() if value]
        library.add(Entry(_BIBTEX_TYPES.get(item["type"], "misc"), item["id"], fields))
    return str(write_string(library))


def _ris(items: list[Csl]) -> str:
    import rispy

    class Writer(rispy.RisWriter):
        def set_header(self, count: int) -> str:  # importers expect no number before a reference
            return ""

    def author(name: dict[str, str]) -> str:
        if "family" not in name:
            return name.get("literal") or name.get("given", "")
        return ", ".join(name[part] for part in ("family", "given", "suffix") if part in name)

    def values(item: Csl) -> dict[str, Any]:
        start, _, end = re.sub(r"[-–]+", "-", item.get("page", "")).partition("-")
        return {
            "type_of_reference": _RIS_TYPES.get(item["type"], "GEN"),
            "id": item["id"],
            "authors": [author(name) for name in item.get("author", [])],
            "title": item.get("title"),
            "secondary_title": item.get("container-title"),
            "publisher": item.get("publisher"),
            "year": year_of(item),
            "volume": item.get("volume"),
            "number": item.get("issue"),
            "start_page": start,
            "end_page": end,
            "doi": item.get("DOI"),
            "accession_number": item.get("PMID"),
            "urls": [item["URL"]] if "URL" in item else [],
        }

    references = [{key: value for key, value in values(item).items() if value} for item in items]
    return str(rispy.dumps(references, implementation=Writer))


def _shown(item: Csl) -> Csl:
    """Keep what the Harvard style prints (citeproc warns of the rest); names end at "et al."."""
    names: list[dict[str, str]] = []
    for name in item.get("author", []):
        literal = name.get("literal")
        parts = {part: name[part] for part in _NAME_PARTS if part in name}
        names.append({"literal": literal} if literal else parts)
        if literal == ET_AL and len(names) > 1:
            break
    view = {key: item[key] for key in (*_SHOWN, "URL") if key in item}
    view["author"] = [name for name in names if name] or [{"literal": "Anon."}]
    year = year_of(item)
    if year:
        view["issued"] = {"date-parts": [[int(year)]]} if year.isdecimal() else {"literal": year}
    return view


def _text(items: list[Csl]) -> str:
    from citeproc import formatter
    from citeproc.frontend import CitationStylesBibliography, CitationStylesStyle
    from citeproc.source import Citation, CitationItem
    from citeproc.source.json import CiteProcJSON

    style = CitationStylesStyle(_STYLE_FILE, locale="en-GB", validate=False)
    source = CiteProcJSON([_shown(item) for item in items])
    bibliography = CitationStylesBibliography(style, source, formatter.plain)
    for item in items:
        bibliography.register(Citation([CitationItem(item["id"])]))
    lines = []
    for entry in bibliography.bibliography():
        line = " ".join(str(entry).split()).replace(f" and {ET_AL}", f" {ET_AL}")
        # The style takes every article without volume and pages for a preprint; few of them are.
        lines.append(line.replace(" [Preprint]", ""))
    return "".join(f"{line}\n" for line in lines)


def _csl_json(items: list[Csl]) -> str:
    return json.dumps(items, indent=2, ensure_ascii=False, default=str) + "\n"


_WRITERS: dict[str, Callable[[list[Csl]], str]] = {
    "bibtex": _bibtex,
    "ris": _ris,
    "text": _text,
    "csl-json": _csl_json,
}


def render(citations: Sequence[Mapping[str, Any]], style: Style) -> str:
    """Write CSL-JSON citations as BibTeX, RIS, Harvard plain text (one line each) or CSL-JSON.

    Repeats are written once, in the order of their keys (``berman2000antidepressant``, or the
    ``id`` that came along). A field that is missing is left out; nothing is made up for it, save
    that plain text says "Anon." and "no date".

    Raises
    ------
    InputError
        An unknown style.
    FactError
        A citation that is not a mapping.
    """
    if style not in _WRITERS:
        allowed = get_args(Style)
        hint = closest(str(style), allowed)
        raise InputError(f"style: {style!r} is not one of {', '.join(allowed)}{hint}", style)
    items = key_citations(citations)
    return _WRITERS[style](items) if items or style == "csl-json" else ""
