"""CSL-JSON, the one shape in which a citation is kept: reading, cleaning, keys.

CSL-JSON is the data model of the Citation Style Language. A field that a source does not give is
absent; a name is ``{family, given, suffix}`` or, where it is no person's, ``{literal}``.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ketalab.errors import FactError

__all__ = ["ET_AL", "Csl", "csl_from_record", "key_citations", "year_of"]

Csl = dict[str, Any]

#: How a source says that it does not list everyone; kept as a literal name, in its place.
ET_AL = "et al."

_INITIALS = r"[A-ZÀ-Þ](?:-?[A-ZÀ-Þ]){0,3}"
# A family name has a lower-case letter, so that "NCATS GSRS" stays an institution; the given names
# are one to four initials, as the indexes write them.
_PERSON = re.compile(
    rf"(?P<family>\S*[^\W\d_A-ZÀ-Þ]\D*?)\s+(?P<given>{_INITIALS})(?:\s+(?P<suffix>Jr|Sr|II|III|IV)\.?)?"
)
_NO_KEY_WORDS = {"and", "effect", "effects", "for", "from", "the", "with"}


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _bare_doi(text: str) -> str:
    return re.sub(r"^(https?://(dx\.)?doi\.org/|doi:\s*)", "", text, flags=re.IGNORECASE)


def _dotted(given: str) -> str:
    """Write initials apart (``RM`` to ``R. M.``, ``J-P`` to ``J.-P.``): styles take them singly."""
    if not re.fullmatch(_INITIALS, given):
        return given
    return re.sub(r"(\w)(?=\w)", r"\1. ", given.replace("-", ".-")) + "."


# --- from an evidence record ----------------------------------------------------------------------


def _read_name(text: str) -> list[dict[str, str]]:
    """Read one author as an index writes it (``Zarate CA Jr``); what is no person stays literal."""
    if re.match(r"(and )?(et al\b|others$)", text):
        return [{"literal": ET_AL}]
    if listed := re.fullmatch(r"(.+?),? et al\.?", text):
        return [*_read_name(listed[1]), {"literal": ET_AL}]
    found = _PERSON.fullmatch(text)
    if not found:
        return [{"literal": text}]
    name = {"family": found["family"], "given": _dotted(found["given"])}
    return [name | {"suffix": found["suffix"]}] if found["suffix"] else [name]


def _without_remarks(text: str, notes: list[str]) -> str:
    """Move what stands in brackets to ``notes``, the outermost bracket with all that it holds."""
    bracket = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)")
    notes.extend(remark for remark in bracket.findall(text) if remark)
    return _one_line(bracket.sub(" ", text))


def csl_from_record(citation: Mapping[str, Any]) -> Csl:
    """Turn the citation of an evidence record into CSL-JSON.

    Authors are split at semicolons, ``et al.`` stays a literal name in its place, ``47(4)`` becomes
    volume and issue, and remarks in brackets ("authors recalled") move to ``note``, because they
    are about the record and not part of a name.

    Raises
    ------
    FactError
        The citation is not a mapping.
    """
    if not isinstance(citation, Mapping):
        raise FactError(f"citation: {citation!r} is not a mapping with authors, year, title, ...")
    record = {key: _one_line(value) for key, value in citation.items() if value is not None}
    notes: list[str] = []
    authors = _without_remarks(record.get("authors", ""), notes).split(";")
    year, volume, issue = record.get("year", ""), record.get("volume", ""), ""
    if numbered := re.fullmatch(r"([^()]+?) ?\(([^()]*\d[^()]*)\)", volume):
        volume, issue = numbered[1], numbered[2]
    volume = _without_remarks(volume, notes)
    notes += [record[key] for key in ("registry", "erratum") if record.get(key)]
    dated = {"date-parts": [[int(year)]]} if re.fullmatch(r"\d{4}", year) else {"literal": year}
    csl: Csl = {
        "type": "article-journal" if record.get("journal") else "document",
        "author": [name for text in authors if text.strip() for name in _read_name(text.strip())],
        "issued": dated if year else None,
        "title": record.get("title"),
        "container-title": record.get("journal"),
        "volume": volume,
        "issue": issue,
        "page": record.get("pages", "").rstrip("-– "),
        "DOI": _bare_doi(record.get("doi", "")),
        "PMID": record.get("pmid"),
        "PMCID": record.get("pmcid") or record.get("pmc"),
        "URL": record.get("url"),
        "note": "; ".join(notes),
    }
    return {key: value for key, value in csl.items() if value}


# --- keys and order -------------------------------------------------------------------------------


def _clean(citation: object) -> Csl:
    """Drop what is empty and fold line breaks, so that no field can break a line-based format."""
    if not isinstance(citation, Mapping):
        raise FactError(f"citation: {citation!r} is not a CSL-JSON mapping")
    kept: Csl = {
        str(key): value if isinstance(value, (list, dict)) else _one_line(value)
        for key, value in citation.items()
        if value not in (None, "", [], {})
    }
    names = []
    for name in kept.pop("author", []):
        if not isinstance(name, Mapping):
            raise FactError(f"citation: author {name!r} is not a name with family or literal")
        parts = {part: _one_line(text) for part, text in name.items() if text}
        if "given" in parts:
            parts["given"] = _dotted(parts["given"])
        names += [parts] if parts else []
    if names:
        kept["author"] = names
    if "DOI" in kept:
        kept["DOI"] = _bare_doi(kept["DOI"])
    return {"type": "document"} | kept


def year_of(item: Csl) -> str:
    """Return the year as text; else the words that stand for it ("in press"); else nothing."""
    issued = item.get("issued")
    if not isinstance(issued, Mapping):
        return ""
    for parts in issued.get("date-parts") or []:
        if parts and parts[0]:
            return str(parts[0])
    literal = _one_line(issued.get("literal") or issued.get("raw") or "")
    found = re.search(r"\b\d{4}\b", literal)
    return found[0] if found else literal


def _fold(text: str) -> str:
    """Reduce to lower-case ASCII letters and digits."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o"))
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _stem(item: Csl) -> str:
    """Make the key without its disambiguating letter: author, year, first telling title word."""
    first: dict[str, str] = next(iter(item.get("author", [])), {})
    author = first.get("family") or first.get("literal") or item.get("publisher") or ""
    words = [_fold(word) for word in re.split(r"[\s\-–—/:]+", item.get("title", ""))]
    word = next((word for word in words if len(word) > 2 and word not in _NO_KEY_WORDS), "")
    return (_fold(author) or "anon") + (_fold(year_of(item)) or "nd") + word


def _letters(count: int) -> list[str]:
    """Return ``['']`` for one, else ``a, b, ... z, z1, z2 ...``."""
    if count == 1:
        return [""]
    return [chr(ord("a") + i) if i < 26 else f"z{i - 25}" for i in range(count)]


def key_citations(citations: Sequence[Mapping[str, Any]]) -> list[Csl]:
    """Clean, drop repeats (same DOI, or same in every field), give keys, order by key.

    An ``id`` that came along is the key if it is plain ASCII and no other article has it; otherwise
    the key is ``berman2000antidepressant``, with a letter where two would be the same. The result
    does not depend on the order in which the citations came.
    """
    different: dict[str, tuple[str, Csl]] = {}
    for item in map(_clean, citations):
        text = json.dumps(item, sort_keys=True, ensure_ascii=False, default=str)
        name = item.get("DOI", "").lower() or text
        known = different.get(name, ("", {}))[0]
        if (len(text), text) > (len(known), known):  # of two records of one article the fuller one
            different[name] = (text, item)
    items = [different[name][1] for name in sorted(different)]
    given = Counter(str(item.get("id", "")).lower() for item in items)
    keyed: dict[str, Csl] = {}
    groups: dict[str, list[Csl]] = defaultdict(list)
    for item in items:
        own = str(item.pop("id", ""))
        if re.fullmatch(r"[A-Za-z][\w.:-]*", own, re.ASCII) and given[own.lower()] == 1:
            keyed[own] = item
        else:
            groups[_stem(item)].append(item)
    taken = {own.lower() for own in keyed}
    for stem, group in groups.items():
        free = stem if stem not in taken else f"{stem}x"
        for letter, item in zip(_letters(len(group)), group, strict=True):
            keyed[free + letter] = item
    return [{"id": key} | keyed[key] for key in sorted(keyed)]
