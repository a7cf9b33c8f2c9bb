"""Tests of the code of machine learning: contracts, strategies, a pytest plugin, faults, and the ML Test Score.

Nothing is imported here: pytest loads the plugin in every run of a repository that has Assay installed.
"""
