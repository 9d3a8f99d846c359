"""The pages of the layers say what the layers say, and the equations that they integrate."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from ketalab.errors import FactError
from ketalab.facts import fact
from ketalab.model import Equations, Layer, Output, Parameter, State
from ketalab.model._equations import Written, write_equations
from ketalab.model.body import ketamine
from ketalab.model.brain import brain
from ketalab.model.harm import harm
from ketalab.model.mind import mind
from ketalab.model.writing import fact_table, layer_manual

LAYERS = [ketamine(), brain(), mind(), harm()]
OF = {layer.name: layer for layer in LAYERS}


@cache
def page_of(name: str) -> str:
    """A layer's page, which takes seconds."""
    return layer_manual(OF[name])


@cache
def written_of(name: str) -> Written:
    """A layer's equations as they are written."""
    return write_equations(OF[name])


each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)

#: A small layer with a mirror image whose clearance differs, and a shared expression.
PAIR = Layer(
    "pair",
    equations=lambda m, v: Equations(
        {
            "S_drug": -v.cl / v.volume * v.S_drug,
            "R_drug": -v.cl * v.ratio / v.volume * v.R_drug,
        },
        {"plasma:S-drug": v.S_drug / v.volume, "plasma:R-drug": v.R_drug / v.volume},
    ),
    outputs=(Output("plasma:S-drug", "umol/L", "S"), Output("plasma:R-drug", "umol/L", "R")),
    states=(State("S_drug", "umol", "S"), State("R_drug", "umol", "R")),
    parameters=(
        Parameter("cl", "L/h", "ketamine_cl_s"),
        Parameter("ratio", "ratio", "ketamine_cl_ratio_r_s"),
        Parameter("volume", "L", "ketamine_v1"),
    ),
    linear=True,
)


@each_layer
def test_everything_that_a_layer_declares_is_on_its_page(layer):
    page = page_of(layer.name)
    for group in (layer.states, layer.parameters, layer.outputs, layer.inputs, layer.covariates):
        for item in group:
            assert f"| `{item.name}` |" in page
    for state in layer.states:
        assert f"| {state.unit} | {state.meaning} |" in page
    for target in layer.targets:
        assert f"| `{target}` |" in page


@each_layer
def test_the_table_of_constants_shows_the_fact_behind_each_parameter(layer):
    table = page_of(layer.name).split("## Constants")[1]
    for name in layer.facts():
        record = fact(name)
        (row, *_) = [line for line in table.splitlines() if f"| `{name}` |" in line]
        assert f"| {record.value:.6g}" in row
        assert record.quantity in row
        assert ("| assumed |" in row) == record.assumed
        assert (f"| `{record.citation}` |" in row) == (record.citation is not None)
        if record.spread and record.spread.interval:
            low, high = record.spread.interval
            assert f"| {low:.6g} to {high:.6g}" in row


@each_layer
def test_what_is_written_is_what_is_integrated(layer):
    """Putting the shared expressions and the outputs back gives the layer's own equations."""
    import sympy as sp

    written = written_of(layer.name)
    back = {e.symbol: e.right for e in (*written.shared, *written.equations) if not e.rate}
    mirrored = {m.symbol.name for m in written.mirrors}
    declared = [s.name for s in layer.states] + [o.name for o in layer.outputs]
    assert sorted([e.symbol.name for e in written.equations] + sorted(mirrored)) == sorted(declared)

    draw = random.Random(5)
    names = [i.name for g in (layer.inputs, layer.states) for i in g]
    names += [i.name for g in (layer.covariates, layer.parameters) for i in g]
    numbers = {name: draw.uniform(0.1, 0.9) for name in names}
    symbols = {sp.Symbol(name, real=True): value for name, value in numbers.items()}
    from ketalab.model import Values
    from ketalab.model._symbols import SymbolicMaths

    truth = layer.equations(SymbolicMaths(), Values(numbers))
    others = {n: float(v) for n, v in truth.outputs.items() if n in mirrored}
    symbols |= {sp.Symbol(name, real=True): value for name, value in others.items()}
    for equation in written.equations:
        right = equation.right
        for _ in range(20):
            if right.free_symbols <= symbols.keys():
                break
            right = right.xreplace(back)
        value = float(right.xreplace(symbols))
        exact = (truth.rates if equation.rate else truth.outputs)[equation.symbol.name]
        # A difference from 1 is known to rounding, however small it is.
        assert value == pytest.approx(float(exact), rel=1e-12, abs=1e-15), equation.symbol


@each_layer
def test_every_letter_is_explained_and_used(layer):
    written = written_of(layer.name)
    letters = [e.symbol for e in written.shared]
    used = set().union(*(e.right.free_symbols for e in (*written.shared, *written.equations)))
    assert set(letters) <= used
    assert {s.name for s in used - set(letters)} <= {
        item.name
        for group in (layer.inputs, layer.states, layer.covariates, layer.parameters, layer.outputs)
        for item in group
    }


def test_a_mirror_image_is_written_once_with_the_ratio_that_differs():
    written = write_equations(PAIR)
    assert [e.symbol.name for e in written.equations] == ["S_drug", "plasma:S-drug"]
    by_name = {m.symbol.name: m for m in written.mirrors}
    assert str(by_name["R_drug"].parameter) == "cl"
    assert str(by_name["R_drug"].ratio) == "ratio"
    assert by_name["plasma:R-drug"].ratio is None
    page = layer_manual(PAIR)
    assert r"$\mathrm{cl}\,\mathrm{ratio}$ in place of $\mathrm{cl}$, holds for `R_drug`" in page
    assert "R in place of S holds for `plasma:R-drug`" in page


def test_an_image_that_differs_in_form_is_written_out():
    def equations(m, v):
        made = PAIR.equations(m, v)
        return Equations({**made.rates, "R_drug": -v.ratio * v.R_drug}, made.outputs)

    written = write_equations(replace(PAIR, equations=equations))
    assert "R_drug" in [e.symbol.name for e in written.equations]


def test_in_the_body_only_metabolism_parts_the_enantiomers():
    mirrors = write_equations(ketamine()).mirrors
    apart = {s.name for s in ketamine().states if s.name.startswith("R_")} - {
        m.symbol.name for m in mirrors
    }
    # R has ratios of its own for what liver and gut take, and shares of its own of what norketamine becomes.
    assert apart == {
        "R_ketamine_central",
        "R_delay1",
        "R_norketamine_central",
        "R_hydroxynorketamine_central",
        "R_dehydronorketamine",
        "R_eliminated",
    }
    assert not [m for m in mirrors if m.ratio is not None]


def test_a_planted_parameter_appears_on_the_page():
    layer = harm()
    before = layer_manual(layer)
    assert "venous_slow_time" not in before
    planted = Parameter("planted_share", "h", "venous_slow_time")

    def equations(m, v):
        made = layer.equations(m, v)
        changed = made.outputs["harm:systolic"] * v.planted_share
        return Equations({}, {**made.outputs, "harm:systolic": changed})

    changed = replace(layer, parameters=(*layer.parameters, planted), equations=equations)
    page = layer_manual(changed)
    assert "| `planted_share` | `venous_slow_time` |" in page
    assert r"\mathrm{planted}_{\text{share}}" in page.split("### Outputs")[1].split("$$")[1]


def test_a_parameter_without_a_fact_is_refused():
    rise = Parameter("rise", "mmHg", "systolic_ryse")
    layer = replace(harm(), parameters=(rise,), outputs=harm().outputs[:1])
    with pytest.raises(FactError, match="systolic_rise"):
        layer_manual(
            replace(layer, equations=lambda m, v: Equations({}, {"harm:systolic": v.rise}))
        )


@each_layer
def test_no_two_names_share_a_symbol(layer):
    symbols = re.findall(r"^\| \$(.+?)\$ \| `(.+?)`", page_of(layer.name), re.MULTILINE)
    assert len({symbol for symbol, _ in symbols}) == len({name for _, name in symbols})


def test_names_that_would_look_alike_are_told_apart():
    layer = Layer(
        "twins",
        equations=lambda m, v: Equations({}, {"a:b": v.a_b, "sum": (v.a_b + v.c_1) ** 2}),
        outputs=(Output("a:b", "h", "one"), Output("sum", "h", "other")),
        parameters=(Parameter("a_b", "h", "bdnf_time"), Parameter("c_1", "h", "bdnf_time")),
    )
    page = layer_manual(layer)
    assert r"$a_{\text{b}}$ | `a_b`" in page
    assert r"$a_{\text{b}}'$ | `a:b`" in page


def test_the_dollar_signs_and_braces_of_the_equations_pair_up():
    for page in map(page_of, OF):
        assert page.count("$$") % 2 == 0
        for equation in re.findall(r"\$\$\n(.*?)\n\$\$", page, re.DOTALL):
            assert equation.count("{") == equation.count("}")
            assert equation.count(r"\left") == equation.count(r"\right")


ALL = """
from ketalab.model.body import ketamine
from ketalab.model.brain import brain
from ketalab.model.harm import harm
from ketalab.model.mind import mind
from ketalab.model.writing import layer_manual
print("".join(layer_manual(make()) for make in (ketamine, brain, mind, harm)))
"""


def test_the_text_is_the_same_in_every_process():
    done = subprocess.run(
        [sys.executable, "-c", ALL],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "".join(map(page_of, OF)) + "\n"


def test_a_table_of_facts_has_a_row_a_fact():
    table = fact_table(["adult_weight", "nmda_ic50_ketamine"]).splitlines()
    assert len(table) == 4
    assert table[2].startswith("| `adult_weight` |")
    assert (
        "| 1.42 micromolar | 0.99 to 2.14 (95% interval) | measured | `shaffer2014` |" in table[3]
    )


def test_the_contract_and_the_writer_load_no_algebra():
    ask = "import sys, ketalab.model, ketalab.model.writing; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
