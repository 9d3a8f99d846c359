"""Brain: receptors, glutamate, plasticity."""

from ketalab.model.brain._plasticity import brain

__all__ = ["brain"]
