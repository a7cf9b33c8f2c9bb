"""The ML Test Score: what covers each of its 28 tests in a repository, and what that is worth."""
