"""firesense: from a sensor's frame to the right person's phone, and into the history."""

__version__ = "0.1.0"
