"""Tells what is in a SavedModel."""
