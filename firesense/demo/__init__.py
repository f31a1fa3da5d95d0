"""The whole house on one machine with made-up devices: broker, simulators, daemon, console, and a fire.

Only the waits of the ladders are shortened; everything else is what runs in earnest.
"""

from firesense.demo.stage import demo

__all__ = ["demo"]
