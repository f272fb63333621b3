"""Comparing an export with the model that was trained."""

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.export import warmup
from tagkeras.images.cnn.descriptor_model import DescriptorModel
from tagkeras.layers import UserDescriptor
from tagkeras.models import HashtagModel
from tagkeras.retrieval import TopK

RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-4, 1e-5


@dataclasses.dataclass(frozen=True)
class TrainedModel:
    """The answers of a trained model itself, for the ids that are kept, without an export's graph.

    The descriptor model is None if posts came with descriptors.
    """

    model: HashtagModel
    descriptor_model: DescriptorModel | None
    user_descriptor: UserDescriptor
    kept_ids: Sequence[int]

    def embed(self, request: warmup.Request) -> tf.Tensor:
        """Phi of a request, float [B, d]."""
        if self.descriptor_model is None:
            descriptor = request["descriptor"]
        else:
            descriptor = self.descriptor_model(tf.constant(request["image"], tf.string))
        user = {}
        for fact in self.user_descriptor.facts.facts:
            unknown = np.full(len(descriptor), fact.unknown, object)
            values = request.get(fact.name, unknown).tolist()
            if not fact.is_text:  # of text_facts, "34"
                values = [float(value or "nan") for value in values]
            user[fact.name] = tf.constant(values, tf.string if fact.is_text else tf.float32)
        return self.model({"descriptor": descriptor, "user_descriptor": self.user_descriptor(user)})

    def score(self, phi: tf.Tensor) -> np.ndarray:
        """Scores of the hashtags that can be answered, float [B, Y]."""
        scores: np.ndarray = self.model.scores(phi).numpy()
        return scores if len(self.kept_ids) == scores.shape[1] else scores[:, list(self.kept_ids)]


def validate(saved_model: Path, tags: Sequence[str], trained: TrainedModel, index: TopK) -> None:
    """Loads an export as servers do, and compares its answers to its own warm-up requests.

    Args:
        saved_model: folder of the export.
        tags: the hashtags that it can answer.
        trained: the model that was exported.
        index: that it was exported with. If it is exact, answers have to be the best of all
            hashtags; if not, those that the index itself finds.

    Raises:
        UserError: a request cannot be answered, such as one with an image that is none.
        RuntimeError: an answer differs.
    """
    ids = {tag: place for place, tag in enumerate(tags)}
    for number, (request, hashtags, scores) in enumerate(_answers(saved_model), start=1):
        phi = trained.embed(request)
        of_all, k = trained.score(phi), hashtags.shape[1]
        chosen = np.array([[ids[tag.decode()] for tag in row] for row in hashtags])
        if any(len(set(row)) < k for row in chosen.tolist()):
            raise RuntimeError(
                f"{saved_model}: warm-up request {number} is answered with a hashtag twice"
            )
        best = (tf.math.top_k(of_all, k) if index.is_exact else index(phi))[0].numpy()
        # Not which hashtags are the best: scores that are all but equal may change places.
        for expected in (np.take_along_axis(of_all, chosen, axis=1), best):
            if not np.allclose(scores, expected, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE):
                raise RuntimeError(
                    f"{saved_model}: warm-up request {number} is not answered as by the"
                    f" model: scores {scores.tolist()}, expected {expected.tolist()}"
                )


def _answers(saved_model: Path) -> list[tuple[warmup.Request, np.ndarray, np.ndarray]]:
    """Each warm-up request of an export, and the `hashtags` and `scores` that it answers."""
    requests, answers = warmup.read(saved_model), []
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        # Not `tf.saved_model.load`: what that restores, servers may not.
        with _no_deprecation_warnings():
            loaded = tf.compat.v1.saved_model.load(
                session, [tf.saved_model.SERVING], str(saved_model)
            )
        for number, request in enumerate(requests, start=1):
            signature = loaded.signature_def[request.model_spec.signature_name]
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
            if "hashtags" not in signature.outputs:
                continue
            fetches = [signature.outputs[name].name for name in ("hashtags", "scores")]
            try:
                hashtags, scores = session.run(fetches, feeds)
            except tf.errors.OpError as error:
                problem = error.message.partition("\n")[0]
                raise UserError(f"warm-up request {number} cannot be answered: {problem}") from None
            answers.append((inputs, hashtags, scores))
    return answers


@contextlib.contextmanager
def _no_deprecation_warnings() -> Iterator[None]:
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
