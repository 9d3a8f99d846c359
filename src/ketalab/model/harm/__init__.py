"""Harm: what is shown beside every effect."""

from ketalab.model.harm._harm import harm

__all__ = ["harm"]
