"""The error that every layer of the server raises: a gRPC status code and a message."""

import grpc
import tensorflow as tf

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ServingError(Exception):
    """A request or a load that failed, as it is reported to the caller.

    Args:
        code: the status that goes to the caller.
        message: what went wrong; for requests, in the words of `tensorflow_model_server`.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"

    @classmethod
    def from_tensorflow(cls, error: tf.errors.OpError) -> "ServingError":
        """The same code and message: TensorFlow and gRPC number their codes alike."""
        return cls(_CODES[error.error_code], error.message)


def invalid_argument(message: str) -> ServingError:
    """A request that can never succeed."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """A model or version that is not served."""
    return ServingError(grpc.StatusCode.NOT_FOUND, message)


def failed_precondition(message: str) -> ServingError:
    """A request that the server's present state does not allow."""
    return ServingError(grpc.StatusCode.FAILED_PRECONDITION, message)
