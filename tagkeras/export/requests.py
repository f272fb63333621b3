"""What the exported graph does with a request before the model: check, decode, put together."""

import dataclasses
from collections.abc import Callable, Sequence

import tensorflow as tf

from tagkeras.images.image_decoder import decode_image
from tagkeras.images.image_limits import check_image

# A request may have more rows than a batch: it is split, and its answers are joined again.
_MAX_ROWS = 2**31 - 1
# Batches that wait before requests are refused as UNAVAILABLE. Servers bound them by their threads.
_MAX_ENQUEUED_BATCHES = 1000

Tensors = dict[str, tf.Tensor]
Function = Callable[..., tuple[tf.Tensor, ...]]


def check_shapes(inputs: Sequence[tf.Tensor], specs: Sequence[tf.TensorSpec]) -> Tensors:
    """The inputs of a request by name, once they have the shapes of their specs.

    Servers leave that to the graph, and a wrong shape would fail all requests that share its batch.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, naming the shapes.
    """
    return {
        spec.name: tf.ensure_shape(tensor, spec.shape)
        for spec, tensor in zip(specs, inputs, strict=True)
    }


def check_rows(inputs: Tensors) -> Tensors:
    """The inputs of a request, once they have equally many rows.

    Without it a request of one image and three users would be answered, with three answers.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, with the number of rows of each.
    """
    rows = tf.stack([tf.shape(tensor)[0] for tensor in inputs.values()])
    names = f"inputs must have equally many rows; {', '.join(inputs)} have"
    check = tf.debugging.Assert(tf.reduce_all(tf.equal(rows, rows[0])), [names, rows], len(inputs))
    with tf.control_dependencies([check]):
        return {name: tf.identity(tensor) for name, tensor in inputs.items()}


def decode_images(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """As `ImageDecoder`, for images of which one may be broken, or a bomb.

    String [B], the content of files, to float32 [B, height, width, 3] in [0, 255].

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs: an image cannot be decoded or is too
            large (see `check_image`). What its header tells is said with its place, from `image 0`.
    """

    def decode(place_and_image: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        place, image = place_and_image
        name = tf.strings.join(["image ", tf.strings.as_string(place)])
        return decode_image(check_image(image, name), height, width)

    return tf.map_fn(
        decode,
        (tf.range(tf.size(images)), images),
        fn_output_signature=tf.TensorSpec([height, width, 3], tf.float32),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class GraphBatching:
    """Batching inside the graph: concurrent requests are ranked together.

    Args:
        max_batch_size: rows that are computed at once, at most.
        timeout_micros: microseconds for which a batch waits to become full. At 0 it takes what came
            while all threads were busy: a request that comes alone does not wait.
        num_threads: batches computed at the same time.
    """

    max_batch_size: int
    timeout_micros: int = 0
    num_threads: int = 1

    def apply(self, function: Function) -> Function:
        """A function of tensors, row by row, computed in batches.

        A row must not depend on others, nor an error on what a row holds: it would fail all
        requests of the batch.
        """
        batched = tf.nondifferentiable_batch_function(
            self.num_threads,
            max_batch_size=_MAX_ROWS,
            batch_timeout_micros=self.timeout_micros,
            # The last is the largest batch. With every size allowed, none is padded.
            allowed_batch_sizes=list(range(1, self.max_batch_size + 1)),
            max_enqueued_batches=_MAX_ENQUEUED_BATCHES,
            autograph=False,
        )
        batched_function: Function = batched(function)
        return batched_function
