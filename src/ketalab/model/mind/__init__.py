"""Mind: states, symptoms, the control arm, and rating scales as measurement models."""

from ketalab.model.mind._scales import Measurement, measurement
from ketalab.model.mind._symptoms import mind

__all__ = ["Measurement", "measurement", "mind"]
