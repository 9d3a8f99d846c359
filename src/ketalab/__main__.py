"""``python -m ketalab``."""

import sys

from ketalab.cli import main

sys.exit(main())
