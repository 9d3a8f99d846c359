"""Names of what is given and measured, from a record's words: ``(2R,6R)-HNK`` is ``R-hydroxynorketamine``."""

from __future__ import annotations

import re

from ketalab.studies._doses import resolve_compound

__all__ = ["measured", "read_analyte", "read_drug"]

#: Molecules by their spellings; the longer come first, since each ends with the next.
_MOLECULES = (
    ("dehydronorketamine", r"dehydro-?nor-?ketamine|dhnk"),
    ("hydroxynorketamine", r"hydroxy-?nor-?ketamine|hnk"),
    ("norketamine", r"nor-?(?:es|ar)?ketamine|nk"),
    ("ketamine", r"(?:es|ar)?ketamine|ket"),
)
_S = re.compile(r"(?<![a-z])\d?s(?![a-z])|esketamine")
_R = re.compile(r"(?<![a-z])\d?r(?![a-z])|arketamine")
#: What may stand beside a molecule without changing what it is.
_BESIDE = re.compile(
    r"rac(?:emic|emate)?|total|sum|of|both|enantiomers?|plasma|serum|base|unchanged|parent|"
    r"stereoisomers?|rs|[rs]|\d|\W|_"
)
#: A remark in brackets behind a name, unless it says that something else was measured.
_REMARK = re.compile(
    r" \((?![^()]*(?:free|unbound|conjug|glucuron|brain|csf|blood|urine|saliva))[^()]{3,}\)$",
    re.IGNORECASE,
)
_WORDS_BEHIND = re.compile(r" (?:AUC ratio|relative amount|ratio)$")


def _molecule(text: str) -> str | None:
    """One molecule, with its isomer; None where the words say something else."""
    lower = text.lower()
    for name, pattern in _MOLECULES:
        # "esketamine" holds "ketamine": the isomer is read off the whole.
        found = re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", lower)
        if found is None:
            continue
        rest = lower[: found.start()] + " " + lower[found.end() :]
        if _BESIDE.sub("", rest):
            return None
        s, r = bool(_S.search(lower)), bool(_R.search(lower))
        return name if s == r else f"{'S' if s else 'R'}-{name}"
    return None


def read_analyte(text: str) -> str:
    """Return an analyte's name, or two as ``A/B``; words that name none are kept as they are.

    Remarks in brackets are cut, abbreviations are spelt out, and an isomer said once is said of both.
    """
    plain = _WORDS_BEHIND.sub("", _REMARK.sub("", " ".join(text.split())))
    parts = [_molecule(part) for part in plain.split("/")]
    if any(part is None for part in parts) or len(parts) > 2:
        return plain or text
    names = [part for part in parts if part is not None]
    if len(names) == 2 and names[0][:2] in ("S-", "R-") and names[1][:2] not in ("S-", "R-"):
        names[1] = names[0][:2] + names[1]
    return "/".join(names)


def measured(analyte: str, each: bool = False) -> str:
    """Return whether one enantiomer was measured or the total."""
    return "enantiomer" if each or analyte.startswith(("S-", "R-")) else "total"


def read_drug(text: str, analyte: str = "") -> tuple[str, str | None]:
    """Return a drug's id and its salt from a record's words.

    Where several are named (each on its own day), the one whose enantiomer the row measures is meant. Words that the
    list of compounds does not know are returned unchanged, unless they are a spelling of a form of ketamine.
    """
    for part in re.split(r"\s+(?:and|or)\s+|\s*,\s*", text) if " and " in text else [text]:
        name, salt = resolve_compound(_plain(part))
        found = _molecule(name) if " " in name or "(" in name or "+" in name else None
        if (found is not None and found.endswith("-ketamine")) or found == "ketamine":
            name = {"S": "esketamine", "R": "arketamine"}.get(found[0], "ketamine")
        isomer = {"esketamine": "S-", "arketamine": "R-"}.get(name, "")
        if " and " not in text or (isomer and analyte.startswith(isomer)):
            return name, salt or _salt(text)
    name, salt = resolve_compound(text)
    return name, salt or _salt(text)


def _plain(text: str) -> str:
    """The words without remarks on the salt that stand apart from it."""
    return re.sub(
        r"[ (]+(?:as )?(?:the )?(hydrochloride|HCl)(?: salt)?\)?$",
        r" \1",
        text.strip(),
        flags=re.IGNORECASE,
    )


def _salt(text: str) -> str | None:
    return "hydrochloride" if re.search(r"\bHCl\b|hydrochloride", text, re.IGNORECASE) else None
