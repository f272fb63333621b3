"""The REST API of the embedded server: JSON over HTTP, as `tensorflow_model_server` speaks it."""
