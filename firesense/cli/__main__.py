"""``python -m firesense.cli``: the same as the command ``firesense``."""

import sys

from firesense.cli import main

sys.exit(main())
