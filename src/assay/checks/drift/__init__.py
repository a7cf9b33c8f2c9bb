"""Drift: whether a dataset still looks like its reference, aspect by aspect, with errors that are stated."""

from assay.checks.drift.rules import RULES

__all__ = ["RULES"]
