"""Non-compartmental figures agree with published ones, to the digits printed.

All by the linear rule while rising and the logarithmic rule while falling, with the terminal phase of the best adjusted
r2. Concentrations are in mg/L there and in ng/mL here.

1. Theophylline and indomethacin (``Theoph`` and ``Indometh`` of R's ``datasets``) by WinNonlin 6.3 and 7.0, as printed
   in the validation of the R package NonCompart, https://github.com/asancpt/NonCompart-tests, tests 2, 6 and 8
   (package: Kim 2018, Transl Clin Pharmacol 26(1):10-15).
2. Ten profiles of a crossover by Phoenix WinNonlin 8.0, as printed in the validation report of MetidaNCA.jl, appendix 2
   and ``docs/refdict.jl``, linear up and log down (doi:10.5281/zenodo.15793887).
3. The articles "AUC Calculation" and "Half-Life Calculation" of the R package PKNCA,
   https://humanpred.github.io/pknca/articles (package: Denney 2015, doi:10.1007/s10928-015-9432-2).

Not agreed on, by choice: for a bolus those programs let the peak into the terminal phase and extrapolate back to time
0; here the terminal phase begins after the peak, and the caller gives the sample at time 0 (a zero, in these profiles).
"""

from __future__ import annotations

import numpy as np
import pytest

from ketalab.laboratory import Noncompartmental, nca, partial_auc

#: Where more digits are printed than sums of some twenty numbers agree on.
ROUNDING = 1e-12

#: Hours and mg/L of subjects 1 to 12, 320 mg each; then adjusted r2, points and first hour of the terminal phase,
#: half-life, area to the last sample and to infinity, % of it extrapolated, Vz/F, CL/F and mean residence time.
THEOPHYLLINE = """
0 0.25 0.57 1.12 2.02 3.82 5.1 7.03 9.05 12.12 24.37
0.74 2.84 6.57 10.5 9.66 8.58 8.36 7.47 6.89 5.94 3.28
0 0.27 0.52 1 1.92 3.5 5.02 7.03 9 12 24.3
0 1.72 7.91 8.31 8.33 6.85 6.08 5.4 4.55 3.01 0.9
0 0.27 0.58 1.02 2.02 3.62 5.08 7.07 9 12.15 24.17
0 4.4 6.9 8.2 7.8 7.5 6.2 5.3 4.9 3.7 1.05
0 0.35 0.6 1.07 2.13 3.5 5.02 7.02 9.02 11.98 24.65
0 1.89 4.6 8.6 8.38 7.54 6.88 5.78 5.33 4.19 1.15
0 0.3 0.52 1 2.02 3.5 5.02 7.02 9.1 12 24.35
0 2.02 5.63 11.4 9.33 8.74 7.56 7.09 5.9 4.37 1.57
0 0.27 0.58 1.15 2.03 3.57 5 7 9.22 12.1 23.85
0 1.29 3.08 6.44 6.32 5.53 4.94 4.02 3.46 2.78 0.92
0 0.25 0.5 1.02 2.02 3.48 5 6.98 9 12.05 24.22
0.15 0.85 2.35 5.02 6.58 7.09 6.66 5.25 4.39 3.53 1.15
0 0.25 0.52 0.98 2.02 3.53 5.05 7.15 9.07 12.1 24.12
0 3.05 3.05 7.31 7.56 6.59 5.88 4.73 4.57 3 1.25
0 0.3 0.63 1.05 2.02 3.53 5.02 7.17 8.8 11.6 24.43
0 7.37 9.03 7.14 6.33 5.66 5.67 4.24 4.11 3.16 1.12
0 0.37 0.77 1.02 2.05 3.55 5.05 7.08 9.38 12.1 23.7
0.24 2.89 5.22 6.41 7.83 10.21 9.18 8.02 7.14 5.68 2.42
0 0.25 0.5 0.98 1.98 3.6 5.02 7.03 9.03 12.12 24.08
0 4.86 7.24 8 6.81 5.87 5.22 4.45 3.62 2.69 0.86
0 0.25 0.5 1 2 3.52 5.07 7.07 9.03 12.05 24.15
0 1.25 3.96 7.82 9.72 9.75 8.57 6.59 6.11 4.57 1.17
"""
THEOPHYLLINE_FIGURES = """
0.999999459 3 9.05 14.30437757 147.2347485 214.9236316 31.49438828 30.72623247 1.488900954 21.14980455
0.995793082 4 7.03 6.659341563 88.73127549 97.37793463 8.879485045 31.57150238 3.286165405 10.36645985
0.998649924 3 9 6.766087377 95.87819779 106.1276685 9.657680115 29.43292987 3.015236313 10.91752601
0.997848274 3 9.02 6.981246661 102.6336232 114.2162046 10.14092656 28.21823042 2.801704023 11.50406813
0.997970777 4 7.02 8.002264041 118.1793538 136.3047316 13.29768793 27.10356775 2.34768079 12.3949276
0.997889605 7 2.03 7.894997868 71.69701499 82.17588332 12.75175624 44.35393475 3.894086526 12.02228656
0.998005251 4 6.98 7.846668261 87.96922744 100.9876292 12.89108567 35.87084707 3.168704944 12.45999472
0.988765489 6 3.53 8.510037883 86.80656348 102.1533003 15.02324132 38.45949777 3.132546859 12.87225312
0.99888733 3 8.8 8.405998807 83.93743601 97.52000394 13.92798132 39.79423233 3.281378046 12.50944708
0.999017368 3 9.38 9.246915823 135.5760701 167.8600307 19.23266694 25.43162571 1.906350181 14.90857585
0.999996512 3 9.03 7.261236515 77.89347233 86.90261726 10.36694315 38.57467217 3.682282653 10.79315645
0.998793603 3 9.03 6.286508164 115.2202082 125.8315397 8.432966474 23.06452369 2.543082606 10.61051612
"""

#: mg/L of subjects 1 to 6 at these hours, 25 mg each; then the same figures, and the mean residence time after an
#: infusion over 0.25 h.
INDOMETHACIN_HOURS = "0.25 0.5 0.75 1 1.25 2 3 4 5 6 8"
INDOMETHACIN = """
1.5 0.94 0.78 0.48 0.37 0.19 0.12 0.11 0.08 0.07 0.05
2.03 1.63 0.71 0.7 0.64 0.36 0.32 0.2 0.25 0.12 0.08
2.72 1.49 1.16 0.8 0.8 0.39 0.22 0.12 0.11 0.08 0.08
1.85 1.39 1.02 0.89 0.59 0.4 0.16 0.11 0.1 0.07 0.07
2.05 1.04 0.81 0.39 0.3 0.23 0.13 0.11 0.08 0.1 0.06
2.31 1.44 1.03 0.84 0.64 0.42 0.24 0.17 0.13 0.1 0.09
"""
INDOMETHACIN_FIGURES = """
0.994133455 3 5 4.378127012 1.71936529 2.035180396 15.51779425 77.58897123 12.28392335 3.841359133
0.94019327 9 0.75 2.29306317 2.8891436 3.153798869 8.391634348 26.22385734 7.926948116 2.980860433
0.860304308 10 0.5 1.642946808 2.881711339 3.071333036 6.173921707 19.29350534 8.139788069 2.279715874
0.850507677 10 0.5 1.615440942 2.444245862 2.607387067 6.256884779 22.34601707 9.588142979 2.33352003
0.854451592 8 1 2.742446122 1.921198431 2.158589236 10.99749787 45.82290779 11.58163841 3.042885779
0.890232924 9 0.75 1.960698569 2.841313828 3.095895937 8.223212744 22.84225762 8.075206825 2.692066564
"""
INDOMETHACIN_INFUSED_MRT = (
    "3.71635913323164 2.85586043346388 2.15471587408242 "
    "2.20852003007967 2.91788577893952 2.56706656419202"
)

#: Concentrations of subjects 1 to 10 at these hours; then, for a dose at 0.25 h in a steady state of 9 h, the
#: concentration that stands at the dose, adjusted r2, half-life, area to the last sample and to infinity, % of it
#: extrapolated, and area over the 9 h.
PHOENIX_HOURS = "0 0.5 1 1.5 2 2.5 3 4 5 6 8 10 12 24 48 72"
PHOENIX = """
0 178.949 190.869 164.927 139.962 129.59 131.369 150.854 121.239 139.229 128.52 143.243 144.964 133.16 137.271 112.846
0 62.222 261.177 234.063 234.091 222.881 213.896 196.026 199.634 196.037 213.352 200.088 196.035 160.338 110.28 85.241
0 49.849 77.367 105.345 100.943 72.746 69.985 93.565 91.981 82.71 84.205 85.342 76.027 81.259 70.107 67.901
0 52.421 208.542 188.923 165.177 146.996 152.701 154.345 128.398 149.807 151.066 136.819 132.257 141.247 129.138 97.625
0 0 9.545 153.964 152.34 151.452 161.312 169.334 162.907 166.651 168.668 155.103 154.066 162.974 109.814 110.778
0 57.882 100.498 138.651 147.287 154.648 122.316 132.857 126.067 140.466 115.542 102.16 113.751 101.049 92.55 69.501
0 19.95 128.405 136.807 113.109 153.254 123.606 142.655 112.347 139.919 105.513 134.408 123.37 110.511 90.291 58.051
0 136.91 126.646 118.5 134.926 113.213 130.896 138.327 22.724 53.774 55.107 102.871 134.133 108.021 98.466 74.437
0 113.362 128.273 125.395 146.933 140.559 167.347 157.504 141.35 140.282 105.438 164.843 135.58 117.125 109.745 93.44
0 13.634 62.561 112.655 125.482 116.255 112.674 116.986 119.81 107.557 120.479 124.171 106.476 116.508 45.204 42.191
"""
PHOENIX_FIGURES = """
121.239 0.714769276 204.785706938398 9566.59680869131 42906.1941313004 77.7034598328254 1268.27563070553
62.222 0.990351454 49.137367437811 10054.28647805950 16097.0411126277 37.5395365663056 1831.82052757491
49.849 0.776306776 210.591476080649 5392.45721941379 26022.0900281352 79.2773861992505 754.64936037981
52.421 0.83771737 90.073577019460 9297.09633445033 21983.3384532182 57.7084419901233 1336.48093242129
0 0.828919944 101.734011566509 9519.18087436122 25778.1957695968 63.0727419426760 1310.90451610924
57.882 0.92517856 90.109450057666 6948.98562111745 15984.1473646863 56.5257660444885 1114.24035123260
19.95 0.96041642 55.634451382012 6988.77263241364 11648.1518057779 40.0010169085628 1079.36685444479
22.724 0.92195356 77.619371308325 7058.81896352039 15394.3547690766 54.1467046238288 766.62024499617
105.438 0.921306842 122.770769499451 8302.36808633358 24852.5337997128 66.5934743183831 1219.63186357018
13.634 0.863911645 40.323315440951 5486.83888944199 7941.2685538530 30.9072744205350 970.30626915116
"""


def table(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def numbers(words: list[str]) -> np.ndarray:
    return np.array([float(word) for word in words])


def agrees(value: float, printed: str) -> bool:
    """Whether a value rounds to the number that is printed."""
    decimals = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.5001 * 10**-decimals + ROUNDING * abs(value)


def disagreements(found: Noncompartmental, printed: list[str]) -> list[str]:
    """Figures of our own, in mg/L, beside the printed ones where they differ."""
    terminal = found.terminal
    assert terminal is not None
    assert terminal.half_life == found.half_life
    values = {
        "r2": terminal.r2_adjusted,
        "points": terminal.points,
        "first": terminal.first_h,
        "half-life": found.half_life,
        "auc_0_t": found.auc_0_t / 1000,
        "auc_0_inf": found.auc_0_inf / 1000,
        "extrapolated": found.extrapolated,
        "volume": found.volume,
        "clearance": found.clearance,
        "mrt": found.mrt,
    }
    return [
        f"{name} {value} for {word}"
        for (name, value), word in zip(values.items(), printed, strict=True)
        if not agrees(value, word)
    ]


@pytest.mark.parametrize("subject", range(12))
def test_theophylline_has_the_figures_of_winnonlin(subject):
    hours, given = table(THEOPHYLLINE)[2 * subject : 2 * subject + 2]
    found = nca(numbers(hours), numbers(given) * 1000, dose=320, window="best")
    assert disagreements(found, table(THEOPHYLLINE_FIGURES)[subject]) == []
    assert (found.tlast, found.clast) == (float(hours[-1]), pytest.approx(float(given[-1]) * 1000))


@pytest.mark.parametrize("subject", range(6))
def test_indomethacin_has_the_figures_of_winnonlin(subject):
    hours, given = numbers(INDOMETHACIN_HOURS.split()), numbers(table(INDOMETHACIN)[subject])
    with_zero = np.append(0.0, hours), np.append(0.0, given) * 1000
    found = nca(*with_zero, dose=25, window="best")
    assert disagreements(found, table(INDOMETHACIN_FIGURES)[subject]) == []
    # Taken as an infusion over a quarter of an hour, of which the mean residence time here holds half.
    assert agrees(found.mrt - 0.125, INDOMETHACIN_INFUSED_MRT.split()[subject])


@pytest.mark.parametrize("subject", range(10))
def test_a_crossover_has_the_figures_of_phoenix(subject):
    at_dose, r2, half_life, auc, infinite, beyond, part = table(PHOENIX_FIGURES)[subject]
    hours, given = numbers(PHOENIX_HOURS.split()), numbers(table(PHOENIX)[subject])
    hours[0], given[0] = 0.25, float(at_dose)
    found = nca(hours, given, window="best")
    assert found.terminal is not None
    assert agrees(found.terminal.r2_adjusted, r2)
    assert agrees(found.half_life, half_life)
    assert agrees(found.auc_0_t, auc)
    assert agrees(found.auc_0_inf, infinite)
    assert agrees(found.extrapolated, beyond)
    # The dose is at 0.25 h and the interval of 9 h ends between two samples.
    assert agrees(partial_auc(hours, given, 0.25, 9.25), part)


def test_the_example_of_pknca_has_its_figures():
    hours, given = [0, 1, 2, 3, 4, 5, 8, 12, 24], [0, 2.5, 3, 2, 1.5, 1.2, 1.1, 0, 0]
    found = nca(hours, given, window="best")
    assert (found.tmax, found.tlast, found.clast) == (2, 8, 1.1)
    assert found.terminal is not None
    assert (found.terminal.first_h, found.terminal.last_h, found.terminal.points) == (3, 8, 4)
    assert agrees(found.terminal.rate, "0.1075592")
    assert agrees(found.terminal.r2_adjusted, "0.6370368")
    assert agrees(found.half_life, "6.4443313")
    assert agrees(found.auc_0_t, "12.9965842")
    assert agrees(found.auc_0_inf, "23.2235095")
    assert agrees(partial_auc(hours, given, 0, 12), "15.1965842")
    assert agrees(partial_auc(hours, given, 0, 2), "4.0000")
    assert agrees(partial_auc(hours, given, 0, 1.5), "2.5625")


def test_a_window_that_was_asked_for_has_the_figures_of_pknca():
    hours, given = map(numbers, table(THEOPHYLLINE)[:2])
    terminal = nca(hours, given, window=(3, 25)).terminal
    assert terminal is not None
    assert (terminal.first_h, terminal.last_h, terminal.points) == (3.82, 24.37, 6)
    assert agrees(terminal.rate, "0.0475")
    assert agrees(terminal.r2_adjusted, "0.998")
    assert agrees(terminal.half_life, "14.6")


def test_the_comparison_sees_the_last_digit():
    assert agrees(2.5625, "2.5625")
    assert agrees(2.56254, "2.5625")
    assert not agrees(2.56256, "2.5625")
