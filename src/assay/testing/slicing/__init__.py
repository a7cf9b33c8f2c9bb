"""The small dataset that represents a large one: what it has to have, which rows have it, and what it covers."""
