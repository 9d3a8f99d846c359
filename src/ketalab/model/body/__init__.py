"""Body: what the body does to the drug."""

from ketalab.model.body._body import body
from ketalab.model.body._combine import combine
from ketalab.model.body._from_data import drug_layer, from_data
from ketalab.model.body._ketamine import ketamine

__all__ = ["body", "combine", "drug_layer", "from_data", "ketamine"]
