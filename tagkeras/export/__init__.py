"""Export: a trained model as a SavedModel that TensorFlow Serving answers from."""
