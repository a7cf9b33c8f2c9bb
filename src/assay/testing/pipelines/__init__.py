"""Contracts of pipelines: the whole path from raw rows to answers, repeated, packaged, served, and within its budgets."""
