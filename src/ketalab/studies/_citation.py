"""The citation of a study file: CSL-JSON, limited to the names of that standard."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict

__all__ = ["CITATION_ALIASES", "Citation", "CitationField"]

#: Lower-case spellings that people write; CSL-JSON spells these names in capitals.
CITATION_ALIASES = {name.lower(): name for name in ("DOI", "PMID", "PMCID", "URL", "ISSN", "ISBN")}


def _number_as_text(value: object) -> object:
    """``volume: 47`` is read by YAML as a number; CSL-JSON means the word."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, Field(strict=True, min_length=1, max_length=4000)]
Variable = Annotated[Text, BeforeValidator(_number_as_text, json_schema_input_type=str | int)]
Part = Annotated[int, Field(strict=True, ge=0, le=9999)]


@with_config(ConfigDict(extra="forbid"))
class Name(TypedDict, total=False):
    """A person's name, or in ``literal`` the name of a group."""

    family: Text
    given: Text
    suffix: Text
    literal: Text


# Keys with a hyphen cannot be written in a class body, hence the calls.
Date = TypedDict(
    "Date",
    {
        "date-parts": Annotated[
            list[Annotated[list[Part], Field(min_length=1, max_length=3)]],
            Field(min_length=1, max_length=2),
        ],
        "literal": Text,
    },
    total=False,
)
with_config(ConfigDict(extra="forbid"))(Date)

Citation = TypedDict(
    "Citation",
    {
        "id": Text,
        "type": Text,
        "author": Annotated[list[Name], Field(max_length=500)],
        "editor": Annotated[list[Name], Field(max_length=500)],
        "issued": Date,
        "accessed": Date,
        "title": Text,
        "title-short": Text,
        "container-title": Text,
        "container-title-short": Text,
        "collection-title": Text,
        "event-title": Text,
        "publisher": Text,
        "publisher-place": Text,
        "archive": Text,
        "genre": Text,
        "medium": Text,
        "language": Text,
        "edition": Variable,
        "volume": Variable,
        "issue": Variable,
        "number": Variable,
        "page": Variable,
        "version": Variable,
        "status": Text,
        "source": Text,
        "note": Text,
        "DOI": Text,
        "ISBN": Text,
        "ISSN": Text,
        "PMID": Variable,
        "PMCID": Text,
        "URL": Text,
    },
    total=False,
)
with_config(ConfigDict(extra="forbid"))(Citation)


def _csl_spelling(value: Any) -> Any:
    """Accept ``doi`` for ``DOI``; where both stand, the second stays an unknown key."""
    if not isinstance(value, dict):
        return value
    spelt = {}
    for key, field in value.items():
        name = CITATION_ALIASES.get(key, key)
        spelt[key if name in value else name] = field
    return spelt


CitationField = Annotated[Citation, BeforeValidator(_csl_spelling)]
