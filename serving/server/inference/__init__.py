"""One loaded version of a model, and what Predict, Classify, Regress and warm-up do with it.

Knows nothing of transports, so that gRPC, REST and warm-up share it. Checks and status codes follow
predict_util.cc, classifier.cc, regressor.cc and multi_inference.cc of TensorFlow Serving.
"""
