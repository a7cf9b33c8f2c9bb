"""Judging data: checks, suites, and how a suite is suggested, judged and kept."""
