"""What a request says of its user."""

import tensorflow as tf

# Name -> dtype; see `UserDescriptor`.
USER_INPUTS = {
    "age": tf.float32,
    "gender": tf.string,
    "country": tf.string,
    "latitude": tf.float32,
    "longitude": tf.float32,
}
UNKNOWN_USER = {
    name: float("nan") if dtype is tf.float32 else "" for name, dtype in USER_INPUTS.items()
}
