"""One dose of a phrase as it was said: what is left out is None until it is carried over."""

from __future__ import annotations

from dataclasses import dataclass, field

from ketalab.protocol._scan import Scanner


@dataclass(frozen=True)
class Amounts:
    """Amounts as written (mg or mg/kg, per hour if a rate): one, a mix, or the ends of a rise.

    A target is a concentration (ng/mL), which a pump holds.
    """

    values: tuple[float, ...]
    per_kg: bool
    rate: bool
    kind: str = "plain"  # plain | flexible | titrated | target

    @property
    def runs(self) -> bool:
        """Whether it is said ``for`` how long: of a rate and of a target."""
        return self.rate or self.kind == "target"


@dataclass
class Draft:
    """The clauses of one dose as far as they were said; columns point back at their words."""

    column: int
    amounts: Amounts | None = None
    compound: str | None = None
    salt: str | None = None
    route: str | None = None
    device: str | None = None  # or the pump of a target
    hold_h: float | None = None
    duration_h: float | None = None
    duration_word: str = "over"  # or "for", which needs a rate
    bolus: bool | None = None
    at_h: float | None = None
    interval_h: float | None = None
    count: int | None = None
    span_h: float | None = None
    once: bool | None = None
    #: Where in the text the frequency ends, to write there the count that a horizon gave it.
    frequency_end: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    last: str = ""

    def put(self, scan: Scanner, name: str, value: object, column: int, what: str = "") -> None:
        """Set one clause; the same clause twice in one dose is an error."""
        if getattr(self, name) is not None:
            raise scan.error(
                f"second {what or name} in one dose; write '+' or ', then' between doses", column
            )
        setattr(self, name, value)
        self.columns[name] = column
        self.last = name

    def where(self, name: str) -> int:
        """Column of a clause, or of the dose if the clause was not said."""
        return self.columns.get(name, self.column)

    @property
    def says_what(self) -> bool:
        """Whether anything but the schedule was said; else the dose before is repeated whole."""
        what = ("amounts", "compound", "route", "device", "hold_h", "duration_h", "bolus")
        return any(getattr(self, name) is not None for name in what)
