"""Strategies of Hypothesis that draw data like the real one, and the edge cases next to it."""
