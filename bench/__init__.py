"""Benchmarks: Assay beside its peers on one file, in one run, as ratios to a bare decode of that file."""
