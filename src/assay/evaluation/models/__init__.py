"""Models, whatever made them: one adapter for each kind, and a frame in, predictions and scores out."""
