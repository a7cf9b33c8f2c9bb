"""Contracts of feature code: what it may look at, in which order, and what it must survive."""
