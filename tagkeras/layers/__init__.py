"""Keras layers: features of the input and the three embeddings of an image seen by a user."""
