"""Readings and state -> transitions: the expression language and the engine that asks every rule of whole tables."""

from __future__ import annotations

from firesense.rules.engine import RuleEngine
from firesense.rules.expression import Expression, Limit, compile_expression
from firesense.rules.syntax import ExpressionError

__all__ = ["Expression", "ExpressionError", "Limit", "RuleEngine", "compile_expression"]
