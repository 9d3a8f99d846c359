"""Harm: what is shown beside every effect."""

from ketalab.model.harm._pressure import harm

__all__ = ["harm"]
