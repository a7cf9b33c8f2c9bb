"""What a model does beyond its figures: under perturbations, by its features, and at what cost."""
