"""Tests of rules that people write: ``config/rules.test.yaml`` (docs/rule-tests.md), read and tried."""

from __future__ import annotations

from firesense.rulecases.loading import load_cases
from firesense.rulecases.shapes import Failure, RuleCase
from firesense.rulecases.trial import Coverage, coverage, try_case

__all__ = ["Coverage", "Failure", "RuleCase", "coverage", "load_cases", "try_case"]
