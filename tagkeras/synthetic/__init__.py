"""A small world of drawn photos, users and hashtags whose probabilities are known."""
