"""The embedded stand-in for TensorFlow Serving."""
