"""Batch prediction with an exported model."""
