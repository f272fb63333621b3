"""The dataset folder: manifest, vocabulary, records, and their tf.data input."""
