"""The room in which large work runs: chunks on any executor, kept in a folder, the same bytes whoever computed them."""

from ketalab.laboratory.execution._dask import DaskRoom
from ketalab.laboratory.execution._drive import WorkersLostError
from ketalab.laboratory.execution._errors import (
    DamagedError,
    InterruptedRunError,
    InUseError,
    StoppedError,
)
from ketalab.laboratory.execution._folder import Folder, Manifest
from ketalab.laboratory.execution._large import Finished, read_scenario, resume, start
from ketalab.laboratory.execution._registry import data_folder, list_runs
from ketalab.laboratory.execution._rooms import GivenRoom, ProcessRoom, Room, available

__all__ = [
    "DamagedError",
    "DaskRoom",
    "Finished",
    "Folder",
    "GivenRoom",
    "InUseError",
    "InterruptedRunError",
    "Manifest",
    "ProcessRoom",
    "Room",
    "StoppedError",
    "WorkersLostError",
    "available",
    "data_folder",
    "list_runs",
    "read_scenario",
    "resume",
    "start",
]
