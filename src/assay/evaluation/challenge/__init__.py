"""Champion against challengers on the same rows: how much better, how sure, for whom worse, and at what cost."""
