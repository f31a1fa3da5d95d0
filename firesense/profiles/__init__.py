"""Device profiles from YAML: every fault of every file at once, with its path; and their examples, run."""

from __future__ import annotations

from firesense.profiles.checking import check_profiles
from firesense.profiles.loading import load_profiles

__all__ = ["check_profiles", "load_profiles"]
