"""The hashtag model and its tag table."""
