"""Stages of loading a SavedModel; what fails has the status that TensorFlow Serving gives it."""

import contextlib
from collections.abc import Iterator

import grpc
import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

from serving.server.errors import ServingError, not_found

TAGS = (tf.saved_model.SERVING,)


def open_saved_model(path: str) -> loader_impl.SavedModelLoader:
    """Reads a SavedModel that is made for serving.

    Args:
        path: its folder.

    Raises:
        ServingError: `NOT_FOUND` if the folder holds no SavedModel or one without the tag `serve`,
            `DATA_LOSS` if the file is damaged.
    """
    if tf.io.gfile.exists(f"{path}/saved_model.pb"):
        file, kind = f"{path}/saved_model.pb", "binary"
    elif tf.io.gfile.exists(f"{path}/saved_model.pbtxt"):
        file, kind = f"{path}/saved_model.pbtxt", "text"
    else:
        raise not_found(
            "Could not find SavedModel .pb or .pbtxt at supplied export directory path: "
            f"{path}. Check that the directory exists and that you have the right permissions for "
            "accessing it."
        )
    with statuses():
        try:
            loader = loader_impl.SavedModelLoader(path)
        except (OSError, UnicodeDecodeError) as error:  # the loader's words for what it cannot read
            raise ServingError(
                grpc.StatusCode.DATA_LOSS, f"Can't parse {file} as {kind} proto"
            ) from error
        try:
            loader.get_meta_graph_def_from_tags(TAGS)
        except RuntimeError as error:
            raise not_found(
                f"Could not find meta graph def matching supplied tags: {{ {' '.join(TAGS)} }}. "
                "To inspect available tag-sets in the SavedModel, please use the SavedModel CLI: "
                "`saved_model_cli`"
            ) from error
    return loader


def restore_variables(
    session: tf.compat.v1.Session, saver: tf.compat.v1.train.Saver | None, path: str
) -> None:
    """Reads the variables of a SavedModel into a session.

    `Saver.restore` would turn what the session says of missing files into errors of its own.

    Args:
        session: of the graph.
        saver: of the graph; None if it has no variables.
        path: folder of the SavedModel.

    Raises:
        tf.errors.OpError: the variables are missing or damaged.
    """
    if saver is not None:
        definition = saver.as_saver_def()
        feeds = {definition.filename_tensor_name: f"{path}/variables/variables"}
        session.run(definition.restore_op_name, feeds)


@contextlib.contextmanager
def statuses() -> Iterator[None]:
    """Turns every error of the block into a ServingError."""
    try:
        yield
    except ServingError:
        raise
    except tf.errors.OpError as error:
        raise ServingError.from_tensorflow(error) from error
    except Exception as error:  # Python code of the loader, fed with any file
        # Where the loader repeats an error of TensorFlow as one of Python, that one has the code.
        if isinstance(error.__context__, tf.errors.OpError):
            raise ServingError.from_tensorflow(error.__context__) from error
        raise ServingError(grpc.StatusCode.UNKNOWN, str(error)) from error
