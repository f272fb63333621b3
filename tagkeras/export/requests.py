"""What the exported graph does with a request before the model: check, decode, put together."""

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf

from tagkeras.data.facts import COUNTRY, FACTS, Fact, NumberFact
from tagkeras.images.image_decoder import decode_image
from tagkeras.images.image_limits import check_image

# A request may have more rows than a batch: it is split, and its answers are joined again.
_MAX_ROWS = 2**31 - 1
# Batches that wait before requests are refused as UNAVAILABLE. Servers bound them by their threads.
_MAX_ENQUEUED_BATCHES = 1000
# Of a fact that is sent as a text.
_NUMBER, _COUNTRY = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "[A-Za-z]{2}"

Tensors = dict[str, tf.Tensor]
Function = Callable[..., tuple[tf.Tensor, ...]]


def trace(
    function: Callable[[Tensors], Tensors], *specs: tf.TensorSpec, optional: Iterable[str] = ()
) -> tf.types.experimental.PolymorphicFunction:
    """A signature: a function of tensors by name, of inputs that have the shapes of their specs.

    Servers leave shapes to the graph, and a wrong one would fail all requests that share its batch:
    when the graph runs, it is an `InvalidArgumentError` that names the shapes. What the signature
    says of inputs that are `optional` has their default, one row that says "unknown".
    """

    def call(*inputs: tf.Tensor) -> Tensors:
        pairs = zip(specs, inputs, strict=True)
        return function({spec.name: tf.ensure_shape(value, spec.shape) for spec, value in pairs})

    # A SavedModel takes the defaults of its signatures from those of Python's arguments.
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                spec.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=_unknown(spec.dtype, 1)
                if spec.name in optional
                else inspect.Signature.empty,
            )
            for spec in specs
        ]
    )
    return tf.function(call, input_signature=specs, autograph=False)


def fill_rows(inputs: Tensors, dtypes: Mapping[str, tf.DType]) -> Tensors:
    """The inputs of a request with equally many rows.

    Facts that are left out, or of which one row says "unknown", are unknown in all rows. All other
    inputs must have as many rows as the image has (or the descriptor; without either, as the
    longest): otherwise a request of one image and three users would be answered, with three
    answers. The dtypes are those of the facts, by name.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, with the number of rows of each.
    """
    rows = {name: tf.shape(value)[0] for name, value in inputs.items()}
    count = tf.reduce_max([rows[name] for name in rows.keys() - dtypes.keys() or rows])
    fits = [
        tf.equal(rows[name], count)
        | (tf.equal(rows[name], 1) & tf.reduce_all(_is_unknown(value)) if name in dtypes else False)
        for name, value in inputs.items()
    ]
    words = f"inputs must have equally many rows; {', '.join(inputs)} have"
    said = [words, tf.stack(list(rows.values()))]
    check = tf.debugging.Assert(tf.reduce_all(fits), said, len(inputs))
    with tf.control_dependencies([check]):
        filled = {
            name: tf.broadcast_to(value, [count]) if name in dtypes else tf.identity(value)
            for name, value in inputs.items()
        }
    left_out = [name for name in dtypes if name not in inputs]
    return {**filled, **{name: _unknown(dtypes[name], count) for name in left_out}}


def read_texts(inputs: Tensors, facts: Iterable[Fact]) -> Tensors:
    """Inputs whose facts are texts, string [B], "" of unknown, with facts of their own types.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs: a text is no value of its fact, which
            is named with what to send.
    """
    read = dict(inputs)
    for fact in facts:
        text = tf.strings.strip(inputs[fact.name])
        if isinstance(fact, NumberFact):
            is_number = tf.strings.regex_full_match(text, _NUMBER)
            number = tf.strings.to_number(tf.where(is_number, text, "0"))
            fits = is_number & (number >= fact.low) & (number <= fact.high)
            value = tf.where(is_number, number, math.nan)
            limits = f" from {fact.low:g} to {fact.high:g}" if fact in FACTS else ""
            words = f"a number{limits}, as a text such as 34.5"
        elif fact == COUNTRY:
            value, fits = text, tf.strings.regex_full_match(text, _COUNTRY)
            words = "two letters (ISO 3166 alpha-2) such as GB"
        else:
            value, fits, words = text, tf.ones_like(text, tf.bool), ""
        words = f"{fact.name} must be {words}, or an empty text if it is unknown"
        check = tf.debugging.Assert(tf.reduce_all(fits | tf.equal(text, "")), [words])
        with tf.control_dependencies([check]):
            read[fact.name] = tf.identity(value)
    return read


def _unknown(dtype: tf.DType, rows: int | tf.Tensor) -> tf.Tensor:
    return tf.fill([rows], tf.constant("" if dtype == tf.string else math.nan, dtype))


def _is_unknown(fact: tf.Tensor) -> tf.Tensor:
    return tf.equal(fact, "") if fact.dtype == tf.string else tf.math.is_nan(fact)


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
