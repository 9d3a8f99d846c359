"""Constants of the body by name, unit and fact, and how they vary between people."""

from __future__ import annotations

from ketalab.model.contract import Parameter

#: Facts that differ between species; the others are the human ones, scaled by weight.
OWN_FACTS = ("unbound", "brain_ratio", "ip_rate", "ip_systemic", "brain_volume", "gut_escape")


def _of_people(name: str, unit: str, fact: str, variance: str) -> Parameter:
    return Parameter(name, unit, fact, "lognormal", variance, "variance")


DISPOSITION = (
    Parameter("v1", "L", "ketamine_v1"),
    _of_people("v1_factor", "ratio", "unity", "omega2_ketamine_v1"),
    Parameter("v2", "L", "ketamine_v2"),
    Parameter("v3", "L", "ketamine_v3"),
    Parameter("q2", "L/h", "ketamine_q2"),
    _of_people("q3", "L/h", "ketamine_q3", "omega2_ketamine_q3"),
    Parameter("cl", "L/h", "ketamine_cl_s"),
    Parameter("cl_ratio", "ratio", "ketamine_cl_ratio_r_s"),
    _of_people("enzymes", "ratio", "unity", "omega2_ketamine_clint"),
    Parameter("liver_flow", "L/h", "liver_flow"),
    _of_people("liver_flow_factor", "ratio", "unity", "omega2_liver_flow"),
    Parameter("most_taken", "fraction", "liver_most_taken"),
    Parameter("flow_lost", "L/h/year", "liver_flow_lost_with_age"),
    Parameter("flow_lost_from", "year", "liver_flow_lost_from_age"),
    _of_people("mtt", "h", "ketamine_mtt", "omega2_ketamine_mtt"),
    Parameter("to_norketamine", "fraction", "norketamine_fraction"),
    Parameter("gut_to_norketamine", "fraction", "gut_norketamine_fraction"),
    Parameter("gut_escape", "fraction", "gut_escape"),
    _of_people("gut_enzymes", "ratio", "unity", "omega2_gut_clint"),
    Parameter("gut_cyp3a4", "fraction", "gut_cyp3a4_share"),
    Parameter("liver_cyp2b6", "fraction", "liver_cyp2b6_share"),
    Parameter("liver_cyp3a4", "fraction", "liver_cyp3a4_share"),
    Parameter("nor_cyp2b6", "fraction", "norketamine_cyp2b6_share"),
    Parameter("nor_cyp3a4", "fraction", "norketamine_cyp3a4_share"),
    Parameter("star6", "ratio", "cyp2b6_star6_activity"),
    Parameter("reference_weight", "kg", "reference_weight"),
    Parameter("flow_exponent", "dimensionless", "allometry_flow"),
    Parameter("volume_exponent", "dimensionless", "allometry_volume"),
)

METABOLITES = (
    Parameter("vn1", "L", "norketamine_v1"),
    Parameter("vn2", "L", "norketamine_v2"),
    Parameter("qn", "L/h", "norketamine_q"),
    Parameter("cln", "L/h", "norketamine_cl_s"),
    Parameter("cln_ratio", "ratio", "norketamine_cl_ratio_r_s"),
    _of_people("nor_enzymes", "ratio", "unity", "omega2_norketamine_clint"),
    Parameter("S_to_hydroxy", "fraction", "s_hydroxynorketamine_fraction"),
    Parameter("R_to_hydroxy", "fraction", "r_hydroxynorketamine_fraction"),
    Parameter("S_to_dehydro", "fraction", "s_dehydronorketamine_fraction"),
    Parameter("R_to_dehydro", "fraction", "r_dehydronorketamine_fraction"),
    Parameter("vh1", "L", "hydroxynorketamine_v1"),
    Parameter("vh2", "L", "hydroxynorketamine_v2"),
    Parameter("qh", "L/h", "hydroxynorketamine_q"),
    _of_people("clh", "L/h", "hydroxynorketamine_cl", "omega2_hydroxynorketamine_cl"),
    Parameter("vd", "L", "dehydronorketamine_v"),
    Parameter("cld", "L/h", "dehydronorketamine_cl"),
)

CHILDREN = (
    Parameter("herd", "fraction", "child_herd_weight", "share"),
    *(
        Parameter(f"{model}_{name}", unit, f"child_{model}_{name}")
        for model in ("herd", "hornik")
        for name, unit in (("v1", "L"), ("v2", "L"), ("cl", "L/h"), ("q", "L/h"))
    ),
)

SITES = (
    Parameter("fast_share", "fraction", "venous_fast_share"),
    Parameter("slow_time", "h", "venous_slow_time"),
    Parameter("effect_half_life", "h", "effect_site_half_life"),
    Parameter("unbound", "fraction", "unbound_fraction"),
    Parameter("brain_ratio", "ratio", "unbound_brain_ratio"),
    Parameter("nor_brain_ratio", "ratio", "norketamine_brain_ratio"),
    Parameter("hydroxy_brain_ratio", "ratio", "hydroxynorketamine_brain_ratio"),
    Parameter("brain_volume", "L", "brain_volume"),
    Parameter("site_volume", "L", "infusion_site_volume"),
    Parameter("brain_wash_out", "h", "brain_wash_out_half_life"),
    Parameter("mass_ketamine", "g/mol", "ketamine_molar_mass"),
    Parameter("mass_norketamine", "g/mol", "norketamine_molar_mass"),
    Parameter("mass_hydroxynorketamine", "g/mol", "hydroxynorketamine_molar_mass"),
    Parameter("mass_dehydronorketamine", "g/mol", "dehydronorketamine_molar_mass"),
)

ROUTES = (
    _of_people("im_rate", "1/h", "im_absorption_rate", "omega2_injection_rate"),
    Parameter("im_absorbed", "fraction", "im_bioavailability"),
    _of_people("sc_rate", "1/h", "sc_absorption_rate", "omega2_injection_rate"),
    Parameter("sc_absorbed", "fraction", "sc_bioavailability"),
    _of_people("nasal_rate", "1/h", "nasal_absorption_rate", "omega2_nasal_rate"),
    Parameter(
        "device_share", "fraction", "nasal_device_share", "logitnormal", "nasal_device_share_sd"
    ),
    Parameter("later_sprays", "ratio", "nasal_later_sprays"),
    Parameter("spray_mg", "mg", "nasal_spray_content"),
    Parameter(
        "spray_share", "fraction", "nasal_spray_share", "logitnormal", "nasal_device_share_sd"
    ),
    Parameter("spray_reference", "mg", "nasal_spray_reference_dose"),
    Parameter("spray_exponent", "dimensionless", "nasal_spray_dose_exponent"),
    Parameter(
        "powder_share", "fraction", "insufflated_share", "logitnormal", "nasal_device_share_sd"
    ),
    Parameter("mouth_share", "fraction", "mouth_share", "logitnormal", "mouth_share_sd"),
    Parameter("mouth_hold", "h", "mouth_hold"),
    Parameter("mouth_time", "h", "mouth_uptake_time"),
    Parameter("film_time", "h", "mouth_release_time"),
    _of_people("mouth_rate", "1/h", "mouth_absorption_rate", "omega2_mouth_rate"),
    Parameter("stomach_time", "h", "stomach_emptying_time"),
    _of_people("gut_rate", "1/h", "gut_absorption_rate", "omega2_gut_rate"),
    Parameter("release_rate", "1/h", "tablet_release_rate"),
    Parameter("release_absorbed", "fraction", "tablet_absorbed"),
    _of_people("rectal_rate", "1/h", "rectal_absorption_rate", "omega2_gut_rate"),
    Parameter("rectal_absorbed", "fraction", "rectal_absorbed"),
    Parameter("lung_share", "fraction", "inhaled_share"),
    Parameter("lung_half_dose", "mg", "inhaled_half_dose"),
    Parameter("lung_fast", "fraction", "inhaled_fast_share"),
    Parameter("lung_rate", "1/h", "inhaled_slow_rate"),
    Parameter("ip_rate", "1/h", "ip_absorption_rate"),
    Parameter("ip_systemic", "fraction", "ip_systemic_share"),
    Parameter("metabolite_absorbed", "fraction", "given_hydroxynorketamine_share"),
)

PARAMETERS = DISPOSITION + METABOLITES + CHILDREN + SITES + ROUTES
