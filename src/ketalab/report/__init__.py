"""Reports: what replays and qualifications found, as a page, a picture and a table for the terminal."""

from ketalab.report._benefit import write_benefit
from ketalab.report._cards import cards_manual, cards_section, cards_text
from ketalab.report._compare import COLUMNS as COMPARISON_COLUMNS
from ketalab.report._compare import comparison_rows, write_comparison
from ketalab.report._directions import DIRECTION_FILES, directions_table, write_directions
from ketalab.report._page import write_replay_report
from ketalab.report._picture import replay_picture
from ketalab.report._qualification import check_folder, write_qualification
from ketalab.report._qualification_terminal import qualification_table
from ketalab.report._rasters import write_raster
from ketalab.report._spectra import write_spectra
from ketalab.report._terminal import replay_table

__all__ = [
    "COMPARISON_COLUMNS",
    "DIRECTION_FILES",
    "cards_manual",
    "cards_section",
    "cards_text",
    "check_folder",
    "comparison_rows",
    "directions_table",
    "qualification_table",
    "replay_picture",
    "replay_table",
    "write_benefit",
    "write_comparison",
    "write_directions",
    "write_qualification",
    "write_raster",
    "write_replay_report",
    "write_spectra",
]
