"""Ranking metrics over the top k hashtags of a post."""
