"""The words of a dosing phrase: routes, salts, units, and their usual spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Every route, in the order in which they are listed to a reader.
ROUTES = (
    "iv",
    "im",
    "sc",
    "nasal",
    "insufflated",
    "sublingual",
    "buccal",
    "oral",
    "oral extended-release",
    "rectal",
    "inhaled",
    "ip",
    "icv",
    "local",
)
#: Routes by needle or cannula, where "bolus" says something.
INJECTED = ("iv", "im", "sc", "ip", "icv", "local")
#: Routes by which a dose can be given over a stated time; a tablet or a powder cannot.
INFUSED = (*INJECTED, "nasal", "inhaled")
#: Routes by which a dose is held in the mouth before the rest is swallowed.
HELD = ("sublingual", "buccal")
#: What a nasal dose is given by: the marketed device (sprays of 28 mg), a hand spray, an atomiser on a syringe.
DEVICES = ("device", "spray", "atomiser")
#: What a nasal dose is given by where nothing is said.
USUAL_DEVICE = "spray"
DEVICE_SPELLINGS = {
    **{device: device for device in DEVICES},
    **dict.fromkeys(("atomizer", "mad"), "atomiser"),
}
#: What the stated amount weighs.
SALTS = ("base", "hydrochloride")

#: Spelling -> route. A plain "in" is left out: it is a word of English, not only an abbreviation.
ROUTE_SPELLINGS = {
    **{route: route for route in ROUTES},
    **dict.fromkeys(("i.v.", "intravenous", "intravenously"), "iv"),
    **dict.fromkeys(("i.m.", "intramuscular", "intramuscularly"), "im"),
    **dict.fromkeys(("s.c.", "subcutaneous", "subcutaneously", "subcut"), "sc"),
    **dict.fromkeys(("i.n.", "intranasal", "intranasally", "nasally"), "nasal"),
    **dict.fromkeys(("insufflation",), "insufflated"),
    **dict.fromkeys(("sl", "s.l.", "sublingually"), "sublingual"),
    **dict.fromkeys(("buccally",), "buccal"),
    **dict.fromkeys(("po", "p.o.", "orally", "by mouth", "peroral"), "oral"),
    **dict.fromkeys(
        (
            *(
                "oral extended release",
                "oral er",
                "oral xr",
                "extended-release",
                "extended release",
            ),
            *("extended-release oral", "extended release oral"),
        ),
        "oral extended-release",
    ),
    **dict.fromkeys(("pr", "p.r.", "rectally"), "rectal"),
    **dict.fromkeys(("inhalation", "nebulised", "nebulized"), "inhaled"),
    **dict.fromkeys(("i.p.", "intraperitoneal", "intraperitoneally"), "ip"),
    **dict.fromkeys(("i.c.v.", "intracerebroventricular"), "icv"),
    **dict.fromkeys(("locally",), "local"),
}
SALT_SPELLINGS = {"base": "base", "hydrochloride": "hydrochloride", "hcl": "hydrochloride"}

#: Spelling -> mg. "µg" arrives here as "ug".
MASS_MG = {"ug": 1e-3, "mcg": 1e-3, "mg": 1.0, "g": 1e3}
#: Spellings of the units of a target concentration, and their factors to ng/mL.
MASS_NG = {"ng": 1.0, "ug": 1e3, "mcg": 1e3, "mg": 1e6}
VOLUME_ML = {"ml": 1.0, "l": 1e3}
#: Spelling -> hours.
TIME_H = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / 3600),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 1 / 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 1.0),
    **dict.fromkeys(("d", "day", "days"), 24.0),
    **dict.fromkeys(("week", "weeks", "wk", "wks"), 168.0),
}
MASS_ALLOWED = "ug, mg, g, each also per kg and per min or h (such as mg/kg/h)"
TARGET_ALLOWED = "ng/mL, ug/mL, mg/L"
TIME_ALLOWED = "s, min, h, d, weeks"

#: Words that open a clause; used to suggest a near miss.
KEYWORDS = (
    *(
        "over",
        "for",
        "at",
        "by",
        "held",
        "bolus",
        "every",
        "daily",
        "weekly",
        "once",
        "twice",
        "times",
    ),
    *("x", "then", "flexible", "titrated"),
)
#: Words that people write, and what the grammar has in their place.
HINTS = {
    **dict.fromkeys(("and", "with", "plus", "&"), "write '+' to give two together"),
    **dict.fromkeys(("after", "followed", "afterwards"), "write ', then' for one after another"),
    **dict.fromkeys(("infusion", "infused"), "write the time, such as 'over 40 min'"),
    **dict.fromkeys(("injection", "injected", "push"), "write 'bolus'"),
    **dict.fromkeys(("spray", "mad", "atomiser", "atomizer"), "write 'by' before a device"),
    **dict.fromkeys(("target", "tci"), "write '150 ng/mL ... for 30 min' for a target in plasma"),
    **dict.fromkeys(("to", "-"), "write 'titrated 0.5 to 0.9 mg/kg' or 'flexible 56 or 84 mg'"),
    **dict.fromkeys(("or",), "write 'flexible 56 or 84 mg' for a mix"),
    **dict.fromkeys(("monthly", "fortnightly"), "write 'every 4 weeks' or 'every 2 weeks'"),
    **dict.fromkeys(("hourly",), "write 'every 1 h'"),
    **dict.fromkeys(("twice", "thrice", "times"), "write 'twice daily' or 'twice weekly'"),
    **dict.fromkeys(("in",), "write 'nasal' for the nose"),
}

#: Look-alikes, one character for one: micro sign and mu, times, minus and en dash.
_LOOK_ALIKES = str.maketrans("µμ×−–", "uux--")

#: A word has ended; a hyphen goes on with it, so that "iv-drip" is not "iv".
WORD_END = r"(?![\w\-])"
#: ASCII, so that case is folded one letter for one: without it "ſ" would match "s".
FLAGS = re.IGNORECASE | re.ASCII


def fold(text: str) -> str:
    """Replace look-alikes and white space one for one; the length, and so each column, stays."""
    plain = "".join(" " if character.isspace() else character for character in text)
    return plain.translate(_LOOK_ALIKES)


def words_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Compile a pattern that matches the longest of the words, in any case and white space."""
    longest_first = sorted({fold(word) for word in words}, key=lambda word: (-len(word), word))
    spelled = [r"\s+".join(re.escape(part) for part in word.split()) for word in longest_first]
    # Without words there is nothing to match, not even the empty string.
    return re.compile(rf"(?:{'|'.join(spelled) or '(?!)'}){WORD_END}", FLAGS)
