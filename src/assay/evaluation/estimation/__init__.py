"""Performance without labels: what is estimated, on what it rests, and what labels that come later say of it."""
