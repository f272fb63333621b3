"""What Beam's workers import before they start threads.

Bundles run in threads, whose first elements import what they need. TensorFlow's modules import each
other in circles, so that a second thread may see halves of them.
"""

import keras  # noqa: F401
import tensorflow  # noqa: F401
