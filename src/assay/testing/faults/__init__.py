"""Faults: realistic mistakes put into data, features, models and pipelines on purpose, to see which tests notice."""
