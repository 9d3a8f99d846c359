"""``ketalab simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ketalab.cli._large import (
    check_folder_target,
    go_on,
    names_folder,
    refuse_contradictions,
    run_large,
)
from ketalab.cli._progress import Progress
from ketalab.cli._protocols import named_regimen, show_hazards
from ketalab.cli._shared import (
    DEFAULT_PHRASE,
    parse_times,
    print_json,
    print_table,
    print_warnings,
    read_population,
)
from ketalab.cli._states import show_states
from ketalab.errors import ScenarioError

if TYPE_CHECKING:
    from ketalab.laboratory import Result, Scenario
    from ketalab.protocol import Regimen

#: Days simulated where neither an option nor a regimen says.
_DAYS = 7.0
#: What the table shows where no output is asked for; ``--json`` and files hold all.
_SHOWN = (
    "plasma:venous:ketamine",
    "plasma:venous:norketamine",
    "plasma:effect:ketamine",
    "occupancy:NMDA:cortical",
    "occupancy:NMDA:interneuron",
    "circuit:glutamate",
    "circuit:LHb:burst",
    "synapse:BDNF",
    "synapse:spines",
    "rhythm:gamma",
    "state:dissociation",
    "state:CADSS",
    "state:MOAAS",
    "state:sedation",
    "p:ordinary",
    "p:dissociated",
    "p:khole",
    "p:unresponsive",
    "harm:systolic",
    "p:nausea",
    "symptom:depression",
    "score:MADRS",
    "p:response:MADRS",
)
#: Of animals and children these are shown too: what is there of a drug (enantiomers as their sum), and behaviour.
_SHOWN_OF_BODIES = ("plasma:venous:", "brain:tissue:")
_SHOWN_OF_ANIMALS = ("behaviour:FST", "behaviour:sucrose")
#: Figures of the table with their unit, in which {} is the output's own.
_FIGURES = (
    ("cmax", "{}"),
    ("tmax", "h"),
    ("auc_0_inf", "{} h"),
    ("half_life", "h"),
    ("peak", "{}"),
    ("time_of_peak_h", "h"),
)
_KINDS = ("typical", "median", "p05", "p95")
#: Outputs that act for days, shown at these hours too.
_SLOW, _HOURS = ("symptom", "score", "p", "synapse"), ("24", "72", "168")


def simulate_command(
    context: typer.Context,
    phrase: str | None = typer.Argument(
        None, help="What is given, as a phrase.", show_default=DEFAULT_PHRASE
    ),
    protocol: str | None = typer.Option(
        None, help="A named regimen in the place of the phrase (see `ketalab protocols`)."
    ),
    patients: int = typer.Option(200, help="Virtual patients."),
    days: float | None = typer.Option(
        None, help="Days simulated.", show_default="7, or the regimen's own"
    ),
    species: str = typer.Option(
        "human", help="human, rat or mouse (rat and mouse: body, brain, behaviour)."
    ),
    population: Path | None = typer.Option(None, help="A population file (YAML)."),
    weight: float | None = typer.Option(None, help="Everyone's body weight, kg."),
    age: float | None = typer.Option(
        None, help="Everyone's age, years, from 0.1; below 12 the body alone is modelled."
    ),
    sex: str | None = typer.Option(None, help="Everyone's sex: f or m."),
    genotype: list[str] = typer.Option([], help="bdnf=val/met or cyp2b6=*1/*6; repeat for more."),
    with_: str | None = typer.Option(None, "--with", help="What is given beside it, as a phrase."),
    output: list[str] = typer.Option([], help="Outputs to compute (see `ketalab outputs`)."),
    times: str | None = typer.Option(None, help="Hours of a course, as 0:24:0.5 or 1,2,24."),
    behaviour: str = typer.Option(
        "none", help="What is done while synapses are plastic: none, reinforcing or pro-depressive."
    ),
    hypotheses: Path | None = typer.Option(
        None, help="Weights of named hypotheses (YAML, id: weight)."
    ),
    engine: str = typer.Option("auto", help="auto, lockstep, numpy or checker."),
    failed: str = typer.Option(
        "raise", help="Patients without a solution: raise stops, keep leaves them out."
    ),
    seed: int = typer.Option(0, help="Seed of all random numbers."),
    out: str | None = typer.Option(
        None,
        metavar="FILE|DIR/",
        help="Write .parquet, .csv, .nc or .json; or a large run, chunk by chunk, into a folder.",
    ),
    workers: int | None = typer.Option(
        None, help="Processes of a large run.", show_default="as many as processors"
    ),
    cluster: str | None = typer.Option(
        None,
        metavar="ADDRESS",
        help="A large run on the Dask scheduler at tcp://HOST:PORT, or on one made here: local.",
    ),
    resume: Path | None = typer.Option(
        None, metavar="DIR", help="Go on with the large run in this folder; it needs no phrase."
    ),
    cards: bool = typer.Option(
        False,
        "--cards",
        help="Credibility cards of the outputs: what for, on what data, how wrong.",
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON document on standard output."),
) -> None:
    """Simulate a dosing phrase in virtual patients: exposure, receptors, synapses, states, scores, risks."""
    from ketalab.laboratory import (
        Scenario,
        check_writable,
        read_hypotheses,
        simulate,
    )

    large = bool(resume or names_folder(out) or workers is not None or cluster)
    target = None if out is None else Path(out)
    if large and resume is None:
        target = check_folder_target(out)
    elif target is not None and not large:
        check_writable(target)
        _refuse_thin_file(target, output)
    if resume is not None:
        stated = {
            "phrase": phrase,
            "patients": patients,
            "days": days,
            "species": species,
            "with_": with_,
            "output": tuple(dict.fromkeys(output)),
            "times": parse_times(times) if times else (),
            "behaviour": behaviour,
            "engine": engine,
            "failed": failed,
            "seed": seed,
            "hypotheses": {} if hypotheses is None else read_hypotheses(hypotheses),
        }
        whom = read_population(population, weight, age, sex, genotype, species)
        scenario = refuse_contradictions(context, resume, stated, whom)
        _tell(
            go_on(resume, workers, cluster),
            scenario,
            None,
            bool(scenario.outputs),
            resume,
            cards,
            as_json,
        )
        return
    named = None if protocol is None else named_regimen(protocol, phrase, with_, species)
    if named is not None:
        phrase, with_ = named.phrase, with_ or named.with_phrase
        days = named.days if days is None else days
    scenario = Scenario.parse(
        DEFAULT_PHRASE if phrase is None else phrase,
        patients=patients,
        days=_DAYS if days is None else days,
        species=species,
        population=read_population(population, weight, age, sex, genotype, species),
        with_phrase=with_,
        outputs=tuple(dict.fromkeys(output))
        or _asked(species, as_json or bool(out or population), age),
        times=parse_times(times) if times else (),
        engine=engine,
        seed=seed,
        failed=failed,
        hypotheses={} if hypotheses is None else read_hypotheses(hypotheses),
        behaviour=behaviour,
    )
    if large and target is not None:
        result = run_large(scenario, target, workers, cluster)
    else:
        progress = Progress("simulate")
        try:
            result = simulate(scenario, progress=progress)
        finally:
            progress.close()
        if target is not None:
            result.save(target)
    _tell(result, scenario, named, bool(output), target, cards, as_json)


def _tell(
    result: Result,
    scenario: Scenario,
    named: Regimen | None,
    chosen: bool,
    target: Path | None,
    cards: bool,
    as_json: bool,
) -> None:
    """Print a result, and where it lies; ``chosen`` says whether outputs were asked for by name."""
    from ketalab.laboratory import studied_warnings

    warnings = studied_warnings(scenario)
    print_warnings(warnings)
    if named is not None and not as_json:
        typer.echo(f"{named.name} ({named.kind}; grade: {named.grade})")
        show_hazards(named)
    if as_json:
        document = {**result.document(), "warnings": warnings}
        if named is not None:
            document |= _said_of(named)
        print_json(document | ({"cards": _cards(document["outputs"])} if cards else {}))
        return
    shown = _show(result, chosen)
    if cards:
        from ketalab.report import cards_text

        typer.echo(f"\n{cards_text(shown)}")
    if target is not None:
        typer.echo(f"wrote {target}")


def _said_of(named: Regimen) -> dict[str, Any]:
    """What a document says of the regimen that it is of, beside the scenario of its phrase."""
    about = named.document()
    kept = ("hazards", "help", "rule", "assumed")
    return {"protocol": named.id, **{name: about[name] for name in kept if about.get(name)}}


def _refuse_thin_file(out: Path, output: list[str]) -> None:
    """A table of nothing but harms without a number would be empty."""
    from ketalab.facts import thin_harms

    if output and out.suffix != ".json" and all(name in thin_harms() for name in output):
        raise ScenarioError(f"--out {str(out)!r}: {output[0]} has no number to write", output[0])


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.3g}"


def _asked(species: str, whole: bool, age: float | None) -> tuple[str, ...]:
    """Outputs of a table of adults: what it shows, as making the others takes longer than all the rest of a cold
    start.

    Nothing (that is everything) where a document or a file is to hold the whole result, and for others than
    adults.
    """
    from ketalab.people import MIND_AGE

    adult = species == "human" and (age is None or age >= MIND_AGE)
    return () if whole or not adult else _SHOWN


def _shown(summary: list[dict[str, Any]]) -> tuple[str, ...]:
    """What the table shows unasked: a choice of the whole model, or of a body alone what the doses bring."""
    names = {row["name"] for row in summary}
    if names.issuperset(_SHOWN):
        return _SHOWN
    return tuple(
        row["name"]
        for row in summary
        if row["name"] in (*_SHOWN, *_SHOWN_OF_ANIMALS)
        or (
            row["name"].startswith(_SHOWN_OF_BODIES)
            and not row["name"].rpartition(":")[2].startswith(("S-", "R-"))
            and row["typical"].get("cmax")
        )
    )


def _cards(summary: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cards of what a result holds, each with the outputs that it covers."""
    from ketalab.facts import cards_of

    found = cards_of(row["name"] for row in summary)
    return [{**card.document(), "outputs": list(names)} for card, names in found]


def _show(result: Result, chosen: bool) -> tuple[str, ...]:
    """Print a table: the typical patient, the median and the middle 90% of patients. Returns the outputs shown."""
    rows = []
    summary = result.summary()
    shown = tuple(row["name"] for row in summary) if chosen else _shown(summary)
    for row in summary:
        if row["name"] not in shown:
            continue
        name, unit = row["name"], row["unit"]
        figures = [(f, u.format(unit), [row[k].get(f) for k in _KINDS]) for f, u in _FIGURES]
        if name.split(":")[0] in _SLOW:
            figures += [(f"at {h} h", unit, [row[k]["at"].get(h) for k in _KINDS]) for h in _HOURS]
        for figure, its_unit, (typical, median, low, high) in figures:
            if typical is not None:
                band = f"{_number(low)} to {_number(high)}"
                cells = (_number(typical), _number(median), band)
                rows.append((name, figure, its_unit, *cells, row["grade"]))
    scenario = result.scenario
    title = f"{scenario.phrase}; {scenario.patients} patients, {scenario.days:g} days, seed {scenario.seed}"
    print_table(
        title, ("output", "figure", "unit", "typical", "median", "90% of patients", "grade"), rows
    )
    from ketalab.facts import harms_to_watch, thin_harms

    show_states(result)
    watched = harms_to_watch(scenario.population.differs_by)
    for thin in [t for t in result.too_thin() if chosen or t["name"] in watched]:
        typer.echo(f"{thin['name']}: {thin['known']} No number: {thin['why']}.")
    if not chosen and scenario.species == "human":
        typer.echo(f"Harms without a number (ask for one by name): {', '.join(thin_harms())}.")
    typer.echo(result.check.line())
    if result.statuses:
        first, reason = next(iter(result.statuses.items()))
        typer.echo(
            f"Left out, without a solution: {len(result.failed)} of {scenario.patients} patients "
            f"({first}: {reason})."
        )
    typer.echo(
        "The band holds the variability between people and the uncertainty of the constants; grade A to D: "
        "the share of assumed constants behind an output. Research and teaching only; not dosing advice."
    )
    return shown
