"""The CNN that describes images, and the SavedModel that it becomes part of."""
