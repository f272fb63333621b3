"""Comparing an export with the model that was trained."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

from tagkeras.cnn.descriptor_model import DescriptorModel
from tagkeras.errors import UserError
from tagkeras.exporting import warmup
from tagkeras.exporting.user_inputs import USER_INPUTS
from tagkeras.layers.user_descriptor import UserDescriptor
from tagkeras.models.hashtag_model import HashtagModel

RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-4, 1e-5

Request = dict[str, np.ndarray]


def validate(
    saved_model: Path,
    tags: Sequence[str],
    score: Callable[[Request], np.ndarray],
    *,
    is_exact: bool = True,
) -> None:
    """Loads an export as servers do, and compares its answers to its own warm-up requests.

    Args:
        saved_model: folder of the export.
        tags: its hashtags.
        score: by the trained model, the scores of these for a request, float [B, Y].
        is_exact: whether the answers have to be the best hashtags; if not, only their scores are
            compared.

    Raises:
        UserError: a request cannot be answered, such as one with an image that is none.
        RuntimeError: an answer differs.
    """
    ids = {tag: place for place, tag in enumerate(tags)}
    for number, (request, hashtags, scores) in enumerate(_answers(saved_model), start=1):
        expected = score(request)
        chosen = np.array([[ids[tag.decode()] for tag in row] for row in hashtags])
        comparable = [np.take_along_axis(expected, chosen, axis=1)]
        if is_exact:
            # Not which hashtags: scores that are all but equal may change places.
            comparable.append(-np.sort(-expected, axis=1)[:, : chosen.shape[1]])
        for other in comparable:
            if not np.allclose(scores, other, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE):
                raise RuntimeError(
                    f"{saved_model}: warm-up request {number} is answered otherwise than by the "
                    f"model: scores {scores.tolist()}, expected {other.tolist()}"
                )


def scorer(
    model: HashtagModel,
    descriptor_model: DescriptorModel | None,
    user_descriptor: UserDescriptor,
    ids: Sequence[int],
) -> Callable[[Request], np.ndarray]:
    """How a trained model itself scores hashtags for a request, by nothing of an export's graph.

    Args:
        model: trained.
        descriptor_model: of its dataset; None if posts came with descriptors.
        user_descriptor: of its dataset.
        ids: of the hashtags to score.
    """

    def score(request: Request) -> np.ndarray:
        if descriptor_model is None:
            descriptor = request["descriptor"]
        else:
            descriptor = descriptor_model(tf.constant(request["image"], tf.string))
        user = {name: tf.constant(request[name], dtype) for name, dtype in USER_INPUTS.items()}
        phi = model({"descriptor": descriptor, "user_descriptor": user_descriptor(user)})
        scores: np.ndarray = model.scores(phi).numpy()
        return scores[:, list(ids)]

    return score


def _answers(saved_model: Path) -> list[tuple[Request, np.ndarray, np.ndarray]]:
    """Each warm-up request of an export, and the `hashtags` and `scores` that it answers."""
    requests, answers = warmup.read(saved_model), []
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        # Not `tf.saved_model.load`: what that restores, servers may not.
        loader = loader_impl.SavedModelLoader(str(saved_model))
        loaded = loader.load(session, [tf.saved_model.SERVING])
        for number, request in enumerate(requests, start=1):
            signature = loaded.signature_def[request.model_spec.signature_name]
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
            fetches = [signature.outputs[name].name for name in ("hashtags", "scores")]
            try:
                hashtags, scores = session.run(fetches, feeds)
            except tf.errors.OpError as error:
                problem = error.message.partition("\n")[0]
                raise UserError(f"warm-up request {number} cannot be answered: {problem}") from None
            answers.append((inputs, hashtags, scores))
    return answers
