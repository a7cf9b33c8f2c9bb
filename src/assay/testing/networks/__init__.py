"""Contracts of neural networks, in torch and in JAX: they run, learn, keep rows apart, repeat and restore."""
