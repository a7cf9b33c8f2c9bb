"""The demonstration: a year of real flights out of New York, and the trouble that is really in it."""
