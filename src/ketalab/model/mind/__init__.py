"""Mind: states, symptoms, the control arm, and rating scales as measurement models; behaviour of rodents."""

from ketalab.model.mind._behaviour import behaviour
from ketalab.model.mind._scales import Measurement, measurement
from ketalab.model.mind._symptoms import mind

__all__ = ["Measurement", "behaviour", "measurement", "mind"]
