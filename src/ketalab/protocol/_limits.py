"""The ceilings of a dosing phrase. Beyond them the phrase is a slip of the pen, not a protocol."""

from __future__ import annotations

#: mg in one dose, or in each 24 h of an infusion: a kilogram. Far beyond any dose, so that a limit of the model can be
#: looked at; more is a wrong unit.
MAX_MG = 1_000_000.0
#: mg/kg in one dose, or in each 24 h of an infusion: fifty times the highest dose of ketamine in the evidence, in rats
#: (200 mg/kg, moghaddam1997).
MAX_MG_PER_KG = 10_000.0
#: ng/mL of a target in plasma: 20 mg/L, ten times what anaesthesia takes.
MAX_TARGET_NG_ML = 20_000.0
#: Hours that a dose is held in the mouth; it has long gone by then.
MAX_HOLD_H = 2.0
#: One second, for infusions and for intervals: a shorter infusion is a bolus. It also keeps the
#: start and the stop of an infusion apart in the event table, which merges times at 1e-9 h.
MIN_TIME_H = 1.0 / 3600.0
#: One year. Infusions of days are given; a longer one than this is a wrong unit.
MAX_INFUSION_H = 365.0 * 24.0
#: A lifetime: no offset, interval or course is longer.
MAX_TIME_H = 100.0 * 365.0 * 24.0
#: Doses in one treatment, over all its variants. Daily dosing for 54 years; bounds memory and time.
MAX_ADMINISTRATIONS = 20_000
#: Distinct regimens in one mix; stops "flexible" doses from multiplying without end.
MAX_VARIANTS = 64
#: Characters in a phrase; a dose needs about 40.
MAX_CHARACTERS = 2_000
#: Doses in one day or week, as in "three times daily"; closer ones are said as "every 30 min".
MAX_TIMES = 24
