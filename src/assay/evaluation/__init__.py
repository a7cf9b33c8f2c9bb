"""What a model is worth: performance that is estimated before the labels are there, and compared once they are."""
