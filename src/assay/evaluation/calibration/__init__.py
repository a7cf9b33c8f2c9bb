"""Whether scores mean what they say, and the threshold that costs least."""
