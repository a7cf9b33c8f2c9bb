"""The metrics of predictions and labels: one table entry each, with its interval."""
