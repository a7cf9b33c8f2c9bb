"""Contracts of models: what they take, what they answer, what they must survive, and how they must behave."""
