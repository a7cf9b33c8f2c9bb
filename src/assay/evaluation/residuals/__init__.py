"""What the errors of a regression still know."""
