"""Reports: what replays found, as a page, a picture and a table for the terminal."""

from ketalab.report._page import write_replay_report
from ketalab.report._picture import replay_picture
from ketalab.report._terminal import replay_table

__all__ = ["replay_picture", "replay_table", "write_replay_report"]
