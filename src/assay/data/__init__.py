"""Data: where it comes from, what kinds of column it has, and the engine that scans it."""
