"""Body: what the body does to the drug."""

from ketalab.model.body._ketamine import body

__all__ = ["body"]
