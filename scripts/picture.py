"""Draw the README's picture: Berman et al. 2000 replayed with 1,000 virtual trials."""

import sys

from ketalab.report import replay_picture
from ketalab.studies import load_study, replay_study

replay_picture(replay_study(load_study("berman2000"), 1000, 0), sys.argv[1])
