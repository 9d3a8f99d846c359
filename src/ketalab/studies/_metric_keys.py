"""What the keys of a metric say: ``auc0_6h_ng_min_mL`` is an area over 6 h in ng*min/mL.

A key is a head (``cmax``, ``tmax``, ``auc``, ``F``, ``t_half``, ``conc``), perhaps behind the analyte, then in any
order a window or a time, what of the people it is, whether it is a ratio, a change in percent or a range, and a unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ketalab.studies._analytes import read_analyte

__all__ = ["Said", "is_spread", "read_key", "read_unit", "said_in_words", "spread_kind"]

_HEADS = {
    "cmax": "cmax",
    "peak": "cmax",
    "tmax": "tmax",
    "auc": "auc",
    "thalf": "half_life",
    "f": "bioavailability",
    "conc": "concentration",
    "concentration": "concentration",
    "c": "concentration",
    "css": "concentration",
}
#: Spellings of one thing, in lower case with underscores, in the order in which they are replaced.
_SPELLINGS = (
    (r"t_?1_?2|t_?half|half_?life|t12", "thalf"),
    (r"c_max|peak_conc(?:entration)?", "cmax"),
    (r"t_max|time_(?:to|of)_peak|time_to_max(?:imum)?", "tmax"),
    (r"c_ss", "css"),
    (r"(?:absolute_)?bioavailability|f_?abs|f_oral|foral", "f"),
    (r"geo(?:metric)?_?mean|gmean", "geometric"),
    (r"geo(?:metric)?_sd|gsd", "geosd"),
    (r"each_enantiomer", "each"),
    (r"(?:change_percent|percent_change|change_pct)", "changepercent"),
    (r"0_inf(?:inity)?|inf(?:inity)?", "inf"),
    (r"0_t(?:last)?|0_last", "last"),
    (r"cv_percent", "cv"),
    (r"sem", "se"),
)
_SPREADS = {
    "sd": "sd",
    "se": "se",
    "ci95": "ci95",
    "ci90": "ci90",
    "iqr": "iqr",
    "geosd": "geo_sd",
    "cv": "cv",
}
_WHO = {"esk": "S-ketamine", "nor": "S-norketamine"}
_AVERAGES = ("mean", "median", "geometric")
#: Words before a head that change nothing.
_NEUTRAL = ("plasma", "serum", "observed", "steady", "state")
_AMOUNTS = {"pg", "ng", "ug", "mg", "g", "pmol", "nmol", "umol", "mmol"}
_TIMES = {"h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "min": "min", "mins": "min",
          "minutes": "min", "s": "s", "sec": "s", "day": "day", "days": "day"}  # fmt: skip
_VOLUMES = {"ml": "mL", "l": "L"}
_SAME = {"mcg": "ug", "µg": "ug", "μg": "ug", "µmol": "umol", "μmol": "umol"}
_MOLAR = {"um": "umol", "µm": "umol", "μm": "umol", "nm": "nmol"}


@dataclass(frozen=True)
class Said:
    """What a key says. ``window_h`` and ``time_h`` are hours; ``unit`` is None where the key names none."""

    kind: str
    analyte: str = ""
    window_h: tuple[float, float] | None = None
    time_h: float | None = None
    average: str = ""
    ratio: bool = False
    change: bool = False
    percent: bool = False
    each: bool = False
    ranged: bool = False
    unit: str | None = None

    @property
    def about(self) -> tuple[object, ...]:
        """What is said, whatever its unit and whether it is a range."""
        return (
            self.kind,
            self.analyte,
            self.window_h,
            self.time_h,
            self.ratio,
            self.change,
            self.each,
        )


def _words(key: str) -> list[str]:
    text = re.sub(r"[^A-Za-z0-9.µμ]+", "_", key).strip("_").lower()
    text = re.sub(r"^((?:\w+_)?auc)_?0_?(?=inf|t|last)", r"\1_0_", text)
    for pattern, plain in _SPELLINGS:
        text = re.sub(rf"(?<![a-z])(?:{pattern})(?![a-z0-9])", plain, text)
    # A window stands close behind its head: auc0_6h is auc, 0_6h.
    text = re.sub(r"^((?:\w+_)?auc)_?0_(\d)", r"\1_w\2", text)
    text = re.sub(r"^((?:\w+_)?auc)_?(inf|last)", r"\1_\2", text)
    text = re.sub(r"^((?:\w+_)?auc)_?(\d)", r"\1_w\2", text)
    text = re.sub(r"^((?:\w+_)?c(?:onc(?:entration)?)?)_?(\d)", r"\1_w\2", text)
    return [word for word in text.split("_") if word]


def spread_kind(key: str) -> str | None:
    """Return the kind of spread that a key holds, None where it holds a value."""
    return next((_SPREADS[word] for word in _words(key) if word in _SPREADS), None)


def is_spread(key: str) -> bool:
    """Whether a key holds a spread."""
    return spread_kind(key) is not None


def read_key(key: str) -> Said | None:
    """Read a key without its spread; None where it says nothing that is known."""
    words = [word for word in _words(key) if word not in _SPREADS]
    place = next((i for i, word in enumerate(words) if word in _HEADS), None)
    if place is None or (words[place] == "c" and not any(t.startswith("w") for t in words)):
        return None
    said: dict[str, object] = {"kind": _HEADS[words[place]]}
    rest = []
    before = [word for word in words[:place] if word not in _NEUTRAL]
    averages = [word for word in before if word in _AVERAGES]
    if averages:
        said["average"] = averages[0]
    who = "_".join(word for word in before if word not in _AVERAGES)
    if who:
        analyte = _WHO.get(who) or read_analyte(who.replace("_", "-"))
        if not analyte.endswith("ketamine"):
            return None
        said["analyte"] = analyte
    for word in words[place + 1 :]:
        if match := re.fullmatch(r"w(\d+(?:\.\d+)?)(h|min)?", word):
            hours = float(match[1]) / (60 if match[2] == "min" else 1)
            said["time_h" if said["kind"] == "concentration" else "window_h"] = (
                round(hours, 6) if said["kind"] == "concentration" else (0.0, hours)
            )
        elif word in ("inf", "last", "total"):
            continue
        elif word in _AVERAGES:
            said["average"] = word
        elif word in ("ratio", "fold", "gmr"):
            said["ratio"] = True
        elif word == "changepercent":
            said |= {"ratio": True, "change": True}
        elif word in ("percent", "pct"):
            said["percent"] = True
        elif word == "each":
            said["each"] = True
        elif word == "range":
            said["ranged"] = True
        else:
            rest.append(word)
    unit = _unit_of(rest)
    if rest and unit is None:
        return None
    return Said(**said, unit=unit)  # type: ignore[arg-type]


def _unit_of(words: list[str]) -> str | None:
    """Return the unit that words in any order make: ``ng h ml`` is ng*h/mL."""
    words = [_SAME.get(word, word) for word in words]
    amount = volume = time = ""
    for word in words:
        if word in _MOLAR and not amount:
            amount, volume = _MOLAR[word], volume or "L"
        elif word in _AMOUNTS and not amount:
            amount = word
        elif word in _VOLUMES and not volume:
            volume = _VOLUMES[word]
        elif word in _TIMES and not time:
            time = _TIMES[word]
        else:
            return None
    if amount and volume:
        return f"{amount}*{time}/{volume}" if time else f"{amount}/{volume}"
    return time if time and not (amount or volume) else None


def read_unit(text: str) -> str:
    """Return a unit as the study file spells it; a text that is none of concentrations or times stays."""
    letters = re.findall(r"[A-Za-zµμ]+", text)
    simple = re.fullmatch(r"[A-Za-zµμ\s*/·.⋅×()^-]+|[\w\s*/·.-]*L[-−]1", text)
    found = _unit_of([word.lower() for word in letters]) if letters and simple else None
    return found or text


#: What a metric's quantity says in words, the first match wins.
_QUANTITIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"half[- _]?li(?:fe|ves)|\bt ?(?:1/2|½)|t_half", "half_life"),
        (r"time (?:to|of) (?:the )?(?:peak|max)|\bt[- _]?max", "tmax"),
        (r"\bAUC|area under", "auc"),
        (r"bioavailab|^F$", "bioavailability"),
        (r"maxim(?:um|al) (?:plasma |serum )?concentration|\bc[- _]?max|\bpeak\b", "cmax"),
        (r"concentration|steady[- ]state|serum at|plasma (?:range|level)|\bCss\b", "concentration"),
    )
)
_AT = re.compile(r"(?:\bat|\bafter|@)\s+(\d+(?:\.\d+)?) ?(min|h)", re.IGNORECASE)
_AFTER = re.compile(r"(\d+(?:\.\d+)?) ?(min|h)\w* (?:after|post)", re.IGNORECASE)
_WINDOW = re.compile(r"\b0 ?(?:-|–|to) ?(\d+(?:\.\d+)?) ?(min|h)?", re.IGNORECASE)


def said_in_words(text: str) -> Said | None:
    """Read what a quantity in words says; None where no rule reads it."""
    kind = next((kind for pattern, kind in _QUANTITIES if pattern.search(text)), None)
    if kind is None:
        return None
    time = window = None
    if kind == "concentration" and (match := _AFTER.search(text) or _AT.search(text)):
        time = round(float(match[1]) / (60 if match[2].lower() == "min" else 1), 6)
    if kind == "auc" and (match := _WINDOW.search(text)):
        window = (0.0, float(match[1]) / (60 if (match[2] or "h").lower() == "min" else 1))
    ratio = bool(re.search(r"\bratio\b|\bfold\b", text))
    return Said(kind, window_h=window, time_h=time, ratio=ratio)
