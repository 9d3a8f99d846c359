"""Non-compartmental analysis of one profile: exposure, terminal phase, clearance, volume and mean residence time.

Rules and their sources are on the page *The laboratory* of the manual.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from ketalab.errors import InputError
from ketalab.laboratory._measures import Array, areas
from ketalab.laboratory._terminal import TerminalPhase, Window, as_floats, find_terminal

#: A fall by less than this is a straight line for the first moment, whose logarithmic rule loses more digits.
_FLAT_MOMENT = 1e-8
#: mg over ng h/mL is 1000 L/h.
_LITRES = 1000.0


@dataclass(frozen=True)
class Noncompartmental:
    """Figures of one profile; what it does not have is NaN.

    Concentrations ``cmax`` and ``clast`` (last above zero) in ng/mL at ``tmax`` and ``tlast`` (h); areas in
    ng h/mL, ``auc_0_t`` from the first sample to ``tlast``, ``auc_0_inf`` with ``clast`` over the terminal rate,
    of which ``extrapolated`` is the share beyond ``tlast`` (%). ``mrt`` (h) is counted from time zero: it holds the
    time of absorption, or half the time of an infusion. ``clearance`` (L/h) and ``volume`` (of the terminal phase,
    L) of ``dose`` (mg) are apparent ones, over F, where not all of it is absorbed.
    """

    cmax: float
    tmax: float
    clast: float
    tlast: float
    auc_0_t: float
    auc_0_inf: float
    extrapolated: float
    mrt: float
    half_life: float
    clearance: float
    volume: float
    dose: float | None
    terminal: TerminalPhase | None


def _read_profile(times: ArrayLike, concentrations: ArrayLike) -> tuple[Array, Array]:
    """Times and concentrations in order of time, without missing samples."""
    hours, values = as_floats("times", times), as_floats("concentrations", concentrations)
    if len(hours) != len(values):
        raise InputError(
            f"concentrations: {len(values)} for {len(hours)} times; allowed: one for each time",
            concentrations,
        )
    if not np.isfinite(hours).all():
        raise InputError("times: not all are numbers; allowed: hours, finite", times)
    present = ~np.isnan(values)
    order = np.argsort(hours[present], kind="stable")
    hours, values = hours[present][order], values[present][order]
    if len(hours) < 2:
        raise InputError(
            f"concentrations: {len(hours)} present; allowed: 2 or more", concentrations
        )
    wrong = np.nonzero(np.isinf(values) | (values < 0))[0]
    if len(wrong):
        value, hour = values[wrong[0]], hours[wrong[0]]
        raise InputError(
            f"concentrations: {value:g} at {hour:g} h is not allowed; allowed: 0 and above, "
            "NaN for a missing sample",
            concentrations,
        )
    twice = np.nonzero(np.diff(hours) == 0)[0]
    if len(twice):
        raise InputError(f"times: {hours[twice[0]]:g} h is there twice; allowed: once", times)
    return hours, values


def _moments(hours: Array, values: Array) -> Array:
    """First moment of each interval about time zero, by the rule that its area goes by."""
    step, first, second = np.diff(hours), values[:-1], values[1:]
    straight = step * (hours[:-1] * first + hours[1:] * second) / 2
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        fall = np.log(first / second)
        rate = fall / step
        curved = (hours[:-1] * first - hours[1:] * second) / rate + (first - second) / rate**2
        return np.where((second > 0) & (fall > _FLAT_MOMENT), curved, straight)


def nca(
    times: ArrayLike,
    concentrations: ArrayLike,
    dose: float | None = None,
    window: Window = None,
) -> Noncompartmental:
    """Non-compartmental figures of one profile.

    Parameters
    ----------
    times : hours since the dose, in any order. The area begins at the first; a sample at 0 h is the caller's.
    concentrations : ng/mL of base, one for each time; NaN for a missing sample.
    dose : mg of base, or None: without it there is no clearance and no volume.
    window : where the terminal phase is.
        None takes what :func:`exposure` takes: the last decline between 20% and 0.5% of its peak, every sample with the
        weight of the hours that it stands for.
        ``"best"`` takes the last samples after the peak, three or more, whose line has the largest adjusted r2; of
        lines within 0.0001 of it, the longest.
        Two hours take the samples above zero from the one to the other.

    Raises
    ------
    InputError
        Bad times, concentrations, dose or window; fewer than three samples in a window that was asked for.
    """
    hours, values = _read_profile(times, concentrations)
    if dose is not None and not (isinstance(dose, Real) and 0 < dose < np.inf):
        raise InputError(f"dose: {dose!r} is not allowed; allowed: mg, above 0", dose)
    terminal = find_terminal(hours, values, window)
    if not values.any():
        none = float("nan")
        return Noncompartmental(
            0.0, none, 0.0, none, 0.0, 0.0, none, none, none, none, none, dose, None
        )
    end = int(np.nonzero(values > 0)[0][-1])
    seen, clast, tlast = slice(end + 1), float(values[end]), float(hours[end])
    peak = int(values.argmax())
    auc = float(areas(hours[seen], values[seen][:, None]).sum())
    rate = terminal.rate if terminal else float("nan")
    infinite = auc + clast / rate
    moment = float(_moments(hours[seen], values[seen]).sum()) + clast / rate * (tlast + 1 / rate)
    clearance = _LITRES * dose / infinite if dose is not None else float("nan")
    return Noncompartmental(
        cmax=float(values[peak]),
        tmax=float(hours[peak]),
        clast=clast,
        tlast=tlast,
        auc_0_t=auc,
        auc_0_inf=infinite,
        extrapolated=100 * (1 - auc / infinite),
        mrt=moment / infinite,
        half_life=float(np.log(2) / rate),
        clearance=clearance,
        volume=clearance / rate,
        dose=dose,
        terminal=terminal,
    )


def partial_auc(times: ArrayLike, concentrations: ArrayLike, start: float, end: float) -> float:
    """Area (ng h/mL) between two hours within the samples.

    A concentration at ``start`` or ``end`` that was not sampled lies on a straight line where the course rises or
    falls to zero, and on an exponential where it falls otherwise; so parts add up to the whole.

    Raises
    ------
    InputError
        Bad times or concentrations; hours that are not in order or not within the samples.
    """
    hours, values = _read_profile(times, concentrations)
    if not start < end:
        raise InputError(
            f"start: {start:g} h is not allowed; allowed: before end, {end:g} h", start
        )
    for name, hour in (("start", start), ("end", end)):
        if not hours[0] <= hour <= hours[-1]:
            raise InputError(
                f"{name}: {hour:g} h is not allowed; allowed: within the samples, "
                f"{hours[0]:g} to {hours[-1]:g} h",
                hour,
            )
    between = (hours > start) & (hours < end)
    cut = np.concatenate([[start], hours[between], [end]])
    ends = [_interpolate(hours, values, hour) for hour in (start, end)]
    kept = np.concatenate([ends[:1], values[between], ends[1:]])
    # What falls to zero is straight: also the piece of it that is cut off above zero.
    to_zero = values[np.searchsorted(hours, cut[1:])] == 0
    straight = np.diff(cut) * (kept[:-1] + kept[1:]) / 2
    return float(np.where(to_zero, straight, areas(cut, kept[:, None])[:, 0]).sum())


def _interpolate(hours: Array, values: Array, hour: float) -> float:
    """The concentration at an hour within the samples."""
    right = int(np.searchsorted(hours, hour))
    if hours[right] == hour:
        return float(values[right])
    first, second = float(values[right - 1]), float(values[right])
    share = float((hour - hours[right - 1]) / (hours[right] - hours[right - 1]))
    if 0 < second < first:
        return float(first ** (1 - share) * second**share)
    return first + share * (second - first)


def bioavailability(test: Noncompartmental, reference: Noncompartmental) -> float:
    """Share of a dose that is absorbed: areas to infinity over their doses, of the test over the reference.

    Raises
    ------
    InputError
        One of the two was analysed without its dose.
    """
    if test.dose is None or reference.dose is None:
        which = "test" if test.dose is None else "reference"
        raise InputError(f"{which}: analysed without a dose; allowed: nca(..., dose=mg)", which)
    return (test.auc_0_inf / test.dose) / (reference.auc_0_inf / reference.dose)
