"""Fakes for unit tests that touch no network: a feature store, a database, a model endpoint, and a guard that sees to it."""
