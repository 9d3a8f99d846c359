"""The words of evidence records and what they mean in a study file: tables, no logic.

One table a question. A new scale, compound or turn of phrase goes here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "ANALYSES",
    "CONDITIONS",
    "DIRECTIONS",
    "HOURS",
    "HOURS_RANGE",
    "INERT",
    "MEASURES",
    "NO_KIND",
    "ROUTE_WORDS",
    "SCALES",
    "SETTINGS",
    "SEVERAL",
    "Measure",
]

_I = re.IGNORECASE


class Measure(NamedTuple):
    """An id, and the sign of its change that means relief (0: neither)."""

    id: str
    benefit: int


#: Rating scales: a pattern (group 1, if any, is the number of items) and the id. All measure
#: severity, so that relief is a fall.
SCALES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), name)
    for pattern, name in (
        (r"\b(?:HDRS|HAM-?D|HRSD)-?(?:17/)?(\d{1,2})?\b", "HDRS"),
        (r"\bMADRS\b", "MADRS"),
        (r"\bQIDS(?:-SR)?(?:16)?\b", "QIDS"),
        (r"\bBDI(?:-II)?\b", "BDI"),
        (r"\bCAPS-5\b", "CAPS-5"),
        (r"\bPCL-5\b", "PCL-5"),
        (r"\bY-?BOCS\b", "Y-BOCS"),
        (r"\bBeck SSI\b|\bSSI\b", "SSI"),
        (r"\bC-SSRS\b", "C-SSRS"),
        (r"\bCADSS\b", "CADSS"),
        (r"\bBPRS\b", "BPRS"),
        (r"\bPHQ-9\b", "PHQ-9"),
        (r"\bGAD-7\b", "GAD-7"),
        (r"\bIES-R\b", "IES-R"),
        (r"\bHADS\b", "HADS"),
        (r"\bCGI-SS-r\b", "CGI-SS-r"),
        (r"\bMOAA/S\b", "MOAA/S"),
        (r"\bOCD-VAS\b", "OCD-VAS"),
        (r"\bVAS-high\b", "VAS-high"),
        (r"\bFear Questionnaire\b", "Fear Questionnaire"),
    )
)
#: Scales of depression, the first of which in a record is its primary scale.
DEPRESSION_SCALES = ("HDRS", "MADRS", "QIDS", "BDI", "PHQ-9")
#: Scales on which a fall is no relief of an illness.
ACUTE_SCALES = ("CADSS", "BPRS", "MOAA/S", "VAS-high")

#: Other measures, the first match wins; a text that matches none keeps its own words. Where the
#: laboratory has an output for it, the measure is that output's name.
MEASURES: tuple[tuple[re.Pattern[str], Measure], ...] = tuple(
    (re.compile(pattern, _I), Measure(name, benefit))
    for pattern, name, benefit in (
        (r"^(FST|forced[- ]swim(ming)?)( test)?( immobility)?$", "behaviour:FST", -1),
        (r"^(TST|tail[- ]suspension)( test)?( immobility)?$", "behaviour:TST", -1),
        (r"^NSFT?\b|novelty-suppressed feeding", "behaviour:NSF", -1),
        (r"^learned helplessness$|escape failures", "behaviour:LH", -1),
        (r"sucrose (intake|preference)", "behaviour:sucrose", +1),
        (r"^(rapid |sustained )?antidepressant-like (behaviour|effect)", "behaviour:relief", +1),
        (r"^(behavioural despair|depression-like behaviour)", "behaviour:despair", -1),
        (r"^block of (the 30-min )?behavioural effect$", "behaviour:relief", +1),
        (r"suicidal ideation absent|free of suicidal ideation", "suicidal ideation absent", +1),
        (r"^antidepressant (effect|response) retained$", "antidepressant effect", +1),
        (r"^iv self-administration$", "self-administration", 0),
        (r"^depress(ive symptoms|ion severity|ion score)", "depression severity", -1),
        (r"^(clinician- and self-rated suicide items|suicidal ideation)", "suicidal ideation", -1),
        (r"^(hippocampal )?LTP deficit$", "synapse:LTP", -1),
        (r"^(hippocampal )?BDNF( protein| translation)?$", "synapse:BDNF", 0),
        (r"^(relative )?(plasma|serum|blood) BDNF$", "blood:BDNF", 0),
        (r"^(hippocampal )?(p-eEF2|phospho-eEF2|eEF2 phosphorylation)$", "synapse:eEF2", 0),
        (r"NMDA(R|-receptor)?[- ]mEPSC|spontaneous NMDAR? current", "current:NMDA:resting", 0),
        (r"^(PFC|prefrontal|cortical) (extracellular )?glutamate$", "circuit:glutamate", 0),
        (r"glutamate/glutamine cycling|Gln cycling|glutamate cycling", "circuit:glutamate", 0),
        (r"^(PFC|prefrontal) (extracellular )?dopamine$", "circuit:dopamine", 0),
        (r"mTOR(C1)? (pathway|signalling)$", "synapse:mTORC1", 0),
        (r"^p-mTOR(C1)?\b|^(p-)?p?70S6K$|^p-p70S6K$|^p-4E-BP1$", "synapse:mTORC1", 0),
        (r"^(PSD-?95|synapsin( I)?|(p-?)?Glu(R1|A1)|synaptic proteins)$", "synapse:proteins", 0),
        (r"^(MFC |mPFC |PFC )?spine (density|number)$", "synapse:spines", 0),
        (r"^spine formation( rate)?$", "synapse:formation", 0),
        (r"^spine elimination( rate)?$", "synapse:elimination", 0),
        (r"^SV2A\b", "imaging:SV2A", 0),
        (r"\bCNS-1261\b|\bPK-209\b|regional specific binding", "imaging:NMDA", 0),
        (r"^NMDA(R| receptor)? occupancy$", "occupancy:NMDA:cortical", 0),
        (r"^(putative )?(GABA )?interneuron firing$", "circuit:interneuron", 0),
        (r"^pyramidal firing$", "circuit:pyramidal", 0),
        (r"^bursting in slice$|^(LHb )?bursting$", "circuit:LHb:burst", -1),
        (r"LHb burst|LHb neurons bursting", "circuit:LHb:burst", -1),
        (r"^(share (of )?)?silent( LHb neurons)?$", "circuit:LHb:silent", 0),
        (r"^(share (of )?)?tonic( LHb neurons)?$", "circuit:LHb:tonic", 0),
        (r"^G-protein recruitment(,| at)? MOR$", "receptor:MOR", 0),
        (r"^G-protein recruitment(,| at)? KOR$", "receptor:KOR", 0),
        (r"\bHFO\b|high-frequency oscillation", "rhythm:HFO", 0),
        (r"gamma (power|current source density)|gamma \(40", "rhythm:gamma", 0),
        (r"^alpha (power|current source density)", "rhythm:alpha", 0),
        (r"^theta (power|current source density)", "rhythm:theta", 0),
        (r"^delta (power|current source density)", "rhythm:delta", 0),
        (r"^beta (power|current source density)", "rhythm:beta", 0),
        (r"^3 Hz (oscillation|rhythm)", "rhythm:posteromedial", 0),
        (r"^alpha and beta connectivity", "rhythm:connectivity", 0),
        (r"^dissociation$", "state:dissociation", 0),
        (r"^cardiac output$", "cardiac output", 0),
        (r"^quality of life$", "quality of life", +1),
    )
)

#: Measures that name several outputs in a way that their parts do not say: one row each.
SEVERAL: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, _I), names)
    for pattern, names in (
        (
            r"^delta/theta and alpha (power|current)",
            ("rhythm:delta", "rhythm:theta", "rhythm:alpha"),
        ),
        (
            r"^G-protein recruitment(,| at)? MOR and KOR$",
            ("receptor:MOR", "receptor:KOR"),
        ),
    )
)

#: What words of a direction tell of its time, in animals and cells, where the row has none: hours,
#: and a range of each; the first match wins.
HOURS: tuple[tuple[re.Pattern[str], tuple[float, ...]], ...] = (
    (re.compile(r"^(rapid|acute) and sustained\b", _I), (1.0, 24.0)),
    (re.compile(r"^(fast-acting|rapid|acute)\b", _I), (1.0,)),
)
#: Range of each of those hours.
HOURS_RANGE = {1.0: (0.5, 4.0), 24.0: (20.0, 72.0)}

#: Remarks within a measure's text: pattern, and the field of the study file that keeps them.
ANALYSES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), field)
    for pattern, field in (
        (r"\bLOCF(?: ANCOVA)?\b", "analysis"),
        (r"\bMMRM\b", "analysis"),
        (r"\bmixed model\b", "analysis"),
        (r"\bT1/T2 (?:wo)?men\b|\b(?:wo)?men T1/T2\b", "subgroup"),
        (r"\b(?:stable remitters|stable responders|all 12 completers)\b", "subgroup"),
        (r"\b(?:in comorbid depressed|healthy controls|low-baseline subgroup)\b", "subgroup"),
        (r"\bopen-label phase\b", "period"),
        (r"\bpre-infusion\b", "period"),
        (r"\bperiod \d\b", "period"),
        (r"\bin RCT phase\b", "period"),
        (r"\bmean post-dose, week \d+\b", "period"),
        (r"\b(?:week 4|\d months?|infusion phase)\b", "period"),
        (r"\bdays 1-3\b", "period"),
    )
)

#: What a direction's words say, the first match wins: "benefit" takes the measure's own sign of
#: relief, "harm" its opposite, "blocked" the opposite of relief against the arm without the
#: blocker, "unblocked" no difference from it.
DIRECTIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), word)
    for pattern, word in (
        (r"^not blocked\b|^not attenuated\b", "unblocked"),
        (r"\b(effect|completely) (completely )?blocked\b", "blocked"),
        (r"^(blocked|abolished|attenuated)\b", "blocked"),
        (r"\bno (significant |measurable |consistent )?(change|difference)\b", "0"),
        (r"\bno (treatment )?effect\b", "0"),
        (r"^no evidence of change|^not different|^back to baseline|^similar\b|^no$|^none$", "0"),
        (r"^not rescued", "0"),
        (r"^(fast-acting |modest )?improve(d|ment)\b|^rescued|^yes$", "benefit"),
        (r"^(selectively restored|residual rescue)", "benefit"),
        (r"^(rapid and sustained|acute and sustained|acute)\b", "benefit"),
        (r"^significantly worse than placebo|^worsening", "harm"),
        (r"^(mild |modest )?increase|^higher|^appears$|^rapid activation|^raised|^more\b", "+"),
        (r"^decrease|^lower\b|^widespread decrease|^dose-dependent reduction", "-"),
        (r"^(significantly )?smaller (reduction|improvement)", "less benefit"),
    )
)  # fmt: skip

#: Kinds of evidence rows for which the study file has no kind, and why.
NO_KIND = {
    "interaction": "a test of interaction: no value and no direction",
    "main_effect": "a test of a main effect: no value and no direction",
    "p_value": "a p-value alone: no value and no direction",
    "no_superiority": "superiority was not shown, which is not the same as no difference",
    "correlation": "a correlation between people, for which the study file has no kind",
    "association": "an association between people, for which the study file has no kind",
    "measured_but_no_value_found": "measured, but no value was found",
    "threshold": "a threshold concentration is a constant, not an outcome of an arm",
    "adverse_event": "adverse events without a number for each",
    "dose_response": "a dose trend without a number or a pair of arms",
    "count": "a count without the number of people observed",
    "difference": "a difference without value and direction",
    "claim": "a claim that names no scenario, output and sign",
    "percent": "a percentage that names no arm",
    "value": "a constant, not an outcome of an arm",
    "range": "a range that names no arm",
    "change_LS se": "a standard error without its value",
}

#: What is given in place of a drug: compound to the control that it makes, by route.
INERT = {
    "saline": {"": "saline"},
    "placebo": {"": "saline", "oral": "sham", "nasal": "placebo-spray"},
    "placebo spray": {"": "placebo-spray"},
}

#: Routes of records that the phrase grammar spells otherwise.
ROUTE_WORDS = {
    "intranasal": "nasal",
    "nasal spray": "nasal",
    "injection": "iv",
    "oral tablet": "oral",
    "sublingual tablet": "sublingual",
    "sublingual/buccal": "sublingual",
    "rectal suppository": "rectal",
    "inhaled (nebulised)": "inhaled",
}

#: A population's condition, read off the words that come first in its text.
CONDITIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), name)
    for pattern, name in (
        (r"treatment-resistant bipolar|bipolar depression types", "bipolar depression"),
        (r"\bTRD\b", "TRD"),
        (r"major depressive episode|\bMDE\b|major depression|\bMDD\b", "MDD"),
        (r"\bPTSD\b", "PTSD"),
        (r"\bOCD\b", "OCD"),
        (r"\bGAD\b|\bSAD\b|mood and anxiety spectrum", "anxiety disorder"),
        (r"suicidal ideation", "suicidality"),
        (r"\bhealthy\b", "healthy"),
        (r"mood disorders|unipolar and bipolar|unipolar or bipolar|depression\b", "depression"),
    )
)

#: Features of a trial that move its control arm, read off design and population.
SETTINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, _I), name)
    for pattern, name in (
        (r"\binpatients?\b", "inpatient"),
        (r"\boutpatients\b", "outpatient"),
        (r"multicentre|\b(?:two|six|seven)-site\b|\b\d+ US sites\b", "multicentre"),
        (
            r"medication-free|antidepressant-free|\bdrug[- ]free\b|unmedicated|washout before",
            "antidepressant-free",
        ),
        (
            r"adjunctive|add-on|augmentation|background antidepressant continued"
            r"|stable oral antidepressant|\bmedicated outpatients\b",
            "adjunctive",
        ),
        (r"new oral (?:AD|antidepressant)", "new antidepressant"),
        (r"standard of care", "standard of care"),
        (r"suicidal ideation", "suicidal ideation"),
        (r"\bsurg(?:ery|ical)\b", "surgery"),
        (r"at-home|real-world", "home"),
        (r"veterans", "veterans"),
    )
)
