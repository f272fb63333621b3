"""Clients of a served hashtag model."""
