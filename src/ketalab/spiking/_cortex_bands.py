"""Band powers and coherences of recorded fields, by Welch's method (scipy.signal)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ketalab.spiking._cortex import Array, Traces
from ketalab.spiking._cortex_constants import BANDS, band

#: Ten decibels to the bel.
_DB = 10
#: What is read of each condition: powers in decibels against rest, then coherences against rest.
OUTPUTS = (*BANDS, "posteromedial", "coupling", "connectivity")
#: Outputs that read the deep population, and so HCN1.
DEEP = ("posteromedial", "coupling")
RATIOS = ("coupling", "connectivity")


def spectrum(traces: Array, rate_hz: float, window_s: float) -> tuple[Array, Array]:
    """Frequencies (hertz) and power density of each trace along the last axis."""
    from scipy.signal import welch

    f, power = welch(traces, rate_hz, nperseg=round(window_s * rate_hz))
    return f, power


def measure(traces: Traces, window_s: float) -> dict[str, Array]:
    """Return each output, (conditions x replicates), as log power or log coherence against the first condition.

    Powers are in decibels; coherences are natural logarithms of the ratio. Each replicate is compared with
    its own rest under the same noise, so that the noise cancels where the cortex does not change.
    """
    from scipy.signal import csd

    of = list(traces.of)
    hz, size = traces.rate_hz, round(window_s * traces.rate_hz)
    f, posterior = spectrum(traces.posterior, hz, window_s)
    others = (traces.anterior, traces.relay, traces.deep)
    anterior, relay, deep = (spectrum(x, hz, window_s)[1] for x in others)
    found = {name: _decibels(posterior, f, name)[of] for name in BANDS}
    found["posteromedial"] = _decibels(deep, f, "posteromedial")
    _, cross = csd(traces.deep, traces.relay[of], hz, nperseg=size)
    found["coupling"] = _coherence(cross, deep, relay[of], f, "coupling")
    _, cross = csd(traces.posterior, traces.anterior, hz, nperseg=size)
    found["connectivity"] = _coherence(cross, posterior, anterior, f, "connectivity")[of]
    return {name: found[name] - found[name][:1] for name in OUTPUTS}


def _inside(f: Array, name: str) -> NDArray[np.bool_]:
    low, high = band(name)
    return (f >= low) & (f <= high)


def _decibels(power: Array, f: Array, name: str) -> Array:
    return np.asarray(_DB * np.log10(power[..., _inside(f, name)].sum(axis=-1)))


def _coherence(cross: Array, one: Array, other: Array, f: Array, name: str) -> Array:
    """Log of the mean squared coherence over a range of frequencies."""
    squared = np.abs(cross) ** 2 / (one * other)
    return np.asarray(np.log(squared[..., _inside(f, name)].mean(axis=-1)))
