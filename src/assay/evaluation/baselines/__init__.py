"""What a model is set beside: chance, constants, one feature, the last value, another model."""
