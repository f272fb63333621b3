"""The hashtags of a vocabulary, and how the best of them are found."""
