"""Fairness: measures of a model by groups of people, the gaps between the groups, and what chance alone would show."""
