"""Mind: states, belief, symptoms, and rating scales as measurement models; behaviour of rodents."""

from ketalab.model.mind._behaviour import behaviour
from ketalab.model.mind._belief import belief
from ketalab.model.mind._scales import Measurement, measurement
from ketalab.model.mind._states import states
from ketalab.model.mind._symptoms import DOMAINS, mind

__all__ = ["DOMAINS", "Measurement", "behaviour", "belief", "measurement", "mind", "states"]
