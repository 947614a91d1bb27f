"""CloudWatch Logs' filter patterns: terms, JSON selectors and space-delimited fields. Pure; no event is ever fetched here."""

from lambent.patterns.logs.language import InvalidPattern, Pattern, compile_pattern

__all__ = ["InvalidPattern", "Pattern", "compile_pattern"]
