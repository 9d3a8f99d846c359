"""Event tables in the form of NONMEM, through any linear compartment model or the laboratory's body."""

from ketalab.exchange.tables._model_file import read_model
from ketalab.exchange.tables._predict import predict, write_predictions

__all__ = ["predict", "read_model", "write_predictions"]
