"""Which customers of a shop are about to leave: features, a model, the path that trains it, and mistakes on purpose."""
