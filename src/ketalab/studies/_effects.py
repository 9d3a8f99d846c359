"""Effects between studies on the size of relief, in the control and the drug arms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ketalab.laboratory import draw_fact
from ketalab.people import Streams

Array = NDArray[np.float64]


def score_effects(streams: Streams, replicates: int) -> dict[str, Array]:
    """Effects (R,) on the relief of control and drug: normal, with a half-normal standard deviation."""
    effects = {}
    for name in ("control", "drug"):
        scale = draw_fact(f"between_study_{name}", streams, replicates)
        sd = np.abs(streams.normal(f"study:{name}:sd", replicates)) * scale
        effects[f"study:{name}"] = sd * streams.normal(f"study:{name}", replicates)
    return effects
