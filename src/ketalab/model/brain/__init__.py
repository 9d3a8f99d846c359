"""Brain: receptors, glutamate, habenula, plasticity, reward, rhythms."""

from ketalab.model.brain._brain import brain

__all__ = ["brain"]
