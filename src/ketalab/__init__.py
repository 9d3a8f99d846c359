"""Ketalab, a virtual laboratory for ketamine."""
