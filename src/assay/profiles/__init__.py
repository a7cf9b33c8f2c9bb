"""Profiles and schemas: mergeable states of columns, and what they suggest a dataset should look like."""
