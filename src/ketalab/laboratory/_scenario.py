"""The scenario: one validated, hashed document that says what to simulate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from ketalab.errors import ScenarioError
from ketalab.people import Population
from ketalab.protocol import Treatment, parse_phrase

DEFAULT_PHRASE = "0.5 mg/kg ketamine iv over 40 min"
Engine = Literal["auto", "lockstep", "numpy", "checker"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
#: What can be done while synapses are plastic, and the value of the model's input.
BEHAVIOURS = {"none": 0.0, "reinforcing": 1.0, "pro-depressive": -1.0}
#: What becomes of a run with patients whose solution failed.
FAILED = ("raise", "keep")
SPECIES = ("human", "rat", "mouse")
#: Limits on what one scenario may ask for: at all, in a folder of chunks, and with everybody in memory.
MOST_PATIENTS = 1_000_000_000
MAX_PATIENTS = 1_000_000
MAX_DAYS = 731
MAX_TIMES = 10_000


def _number(name: str, value: Any) -> float:
    """A plain number, or one of an array; text and truth values are refused."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScenarioError(f"{name}: {value!r} is not allowed; allowed: numbers", value)
    return float(value)


@dataclass(frozen=True)
class Scenario:
    """What is simulated.

    ``phrase`` is what is given, ``with_phrase`` what is given beside it; ``times`` (hours) ask for a course;
    ``outputs`` empty means all that there are for these people (children have those
    of the body, rats and mice those of body, brain and behaviour);
    ``uncertainty`` says whether every patient also draws the constants and a setting; ``failed`` whether patients
    without a solution stop the run (*raise*) or are NaN and counted (*keep*). ``hypotheses`` are weights, 0 to 1, in
    the place of the priors (``ketalab hypotheses`` lists the ids). ``behaviour`` is what is done while synapses are
    plastic: *none*, *reinforcing* or *pro-depressive*; it decides what the reward circuit keeps.
    """

    phrase: str = DEFAULT_PHRASE
    patients: int = 200
    days: float = 7.0
    species: str = "human"
    population: Population = field(default_factory=Population)
    with_phrase: str | None = None
    outputs: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    engine: Engine = "auto"
    seed: int = 0
    uncertainty: bool = True
    failed: str = "raise"
    hypotheses: Mapping[str, float] = field(default_factory=dict)
    behaviour: str = "none"

    def __post_init__(self) -> None:
        # 2 and 2.0 are one scenario with one hash.
        object.__setattr__(self, "days", _number("days", self.days))
        object.__setattr__(self, "times", tuple(_number("times", time) for time in self.times))
        if self.hypotheses != {}:
            from ketalab.laboratory._hypotheses import check_weights

            object.__setattr__(self, "hypotheses", check_weights(self.hypotheses))
        for name in ("patients", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ScenarioError(
                    f"{name}: {value!r} is not allowed; allowed: a whole number", value
                )
        checks: tuple[tuple[str, Any, bool, str], ...] = (
            (
                "patients",
                self.patients,
                1 <= self.patients <= MOST_PATIENTS,
                f"1 to {MOST_PATIENTS:,}",
            ),
            ("days", self.days, 0 < self.days <= MAX_DAYS, f"above 0, at most {MAX_DAYS}"),
            ("engine", self.engine, self.engine in ENGINES, ", ".join(ENGINES)),
            ("behaviour", self.behaviour, self.behaviour in BEHAVIOURS, ", ".join(BEHAVIOURS)),
            ("failed", self.failed, self.failed in FAILED, ", ".join(FAILED)),
            ("species", self.species, self.species in SPECIES, ", ".join(SPECIES)),
            ("seed", self.seed, 0 <= self.seed < 2**63, "0 to 2**63 - 1"),
            (
                "times",
                len(self.times),
                len(self.times) <= MAX_TIMES,
                f"at most {MAX_TIMES:,} times",
            ),
        )
        for name, value, fine, allowed in checks:
            if not fine:
                raise ScenarioError(f"{name}: {value!r} is not allowed; allowed: {allowed}", value)
        if self.population.species != self.species:
            if self.population.species != "human":
                raise ScenarioError(
                    f"species: {self.species!r} is not that of the population, "
                    f"{self.population.species!r}; state the same in both",
                    self.species,
                )
            object.__setattr__(self, "population", self.population.of(self.species))
        for time in self.times:
            if not 0 <= time <= self.days * 24:
                raise ScenarioError(
                    f"times: {time:g} h lies outside 0 to {self.days * 24:g} h", time
                )

    @classmethod
    def parse(cls, phrase: str = DEFAULT_PHRASE, **options: Any) -> Scenario:
        """Check a phrase and options; every error is one line that says what is allowed.

        >>> Scenario.parse("0.5 mg/kg ketamine iv over 40 min", patients=50).patients
        50
        """
        try:
            made = cls(phrase=phrase, **options)
        except TypeError as error:
            raise ScenarioError(f"scenario: {error}") from None
        made.treatment()
        return made

    def check_in_memory(self) -> None:
        """Refuse more patients than are kept in memory.

        Raises
        ------
        ScenarioError
            More than a million patients.
        """
        if self.patients > MAX_PATIENTS:
            raise ScenarioError(
                f"patients: {self.patients} is not allowed in memory; allowed: 1 to {MAX_PATIENTS:,}; "
                "more go into a folder (`ketalab simulate --out DIR/`)",
                self.patients,
            )

    def treatment(self) -> Treatment:
        """What is given, read from the phrases."""
        given = parse_phrase(self.phrase)
        return given.merge(parse_phrase(self.with_phrase)) if self.with_phrase else given

    def replace(self, **changes: Any) -> Scenario:
        """The same scenario with some options changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The document: plain values, defaults included; hypotheses and behaviour only where there are some."""
        document = asdict(replace(self, population=Population()))
        document["population"] = self.population.model_dump(
            mode="json", exclude_defaults=True, exclude={"species"}
        )
        document["outputs"], document["times"] = list(self.outputs), list(self.times)
        if not self.hypotheses:
            del document["hypotheses"]
        if self.behaviour == "none":
            del document["behaviour"]
        return document

    @property
    def solver(self) -> Engine:
        """The engine that runs: ``lockstep`` is the compiled kernel, ``numpy`` the same scheme without a compiler.

        ``auto`` takes the kernel; and with ``auto`` the checker solves again who failed, whom the result's ``check``
        names.
        """
        return "lockstep" if self.engine == "auto" else self.engine

    def hash(self) -> str:
        """SHA-256 of the canonical document, of the grid's tolerance and of its guard, 64 hexadecimal digits.

        The posterior in use and what stands in the place of facts are part of it.
        ``failed`` is left out: it decides whether there is a result, and never what it holds.
        """
        from ketalab.laboratory._guard import ALLOWED, FIRST, ONE_IN
        from ketalab.laboratory._hypotheses import changes_of, current_changes
        from ketalab.laboratory._posterior import current_posterior
        from ketalab.laboratory._prepare import CHOICES, solver_of

        posterior = current_posterior()
        scenario = {**self.to_dict(), "engine": self.solver, "retries": self.engine == "auto"}
        del scenario["failed"]
        scenario.pop("hypotheses", None)
        # What stands in the place of facts, the scenario's own above the rest, as it is when the scenario runs.
        changes = {**current_changes(), **changes_of(self.hypotheses)}
        document = {
            "scenario": scenario,
            "grid": asdict(CHOICES[solver_of(self.engine)]),
            "guard": {"allowed": ALLOWED, "first": FIRST, "one_in": ONE_IN},
            "posterior": None if posterior is None else posterior.digest,
            **({"changes": changes} if changes else {}),
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
