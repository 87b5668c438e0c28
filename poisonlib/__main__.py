"""``python -m poisonlib``."""

import sys

from poisonlib.cli import main

sys.exit(main())
