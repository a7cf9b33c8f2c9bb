"""Detectors: they read a stream value by value and say when it has changed. For bits, 1 is an error and 0 is none."""
