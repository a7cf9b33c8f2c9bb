"""Slices of the rows, and the search for those where a model does worse."""
