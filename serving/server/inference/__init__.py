"""What PredictionService does with one loaded version.

Apart from transports, so that gRPC calls and warm-up share it. Checks and messages follow
predict_util.cc, classifier.cc, regressor.cc and multi_inference.cc of TensorFlow Serving.
"""
