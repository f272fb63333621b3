"""The graph of an exported model: from image bytes and a raw user to hashtags."""

from collections.abc import Callable

import tensorflow as tf

from tagkeras.data.facts import Facts
from tagkeras.data.manifest import Manifest
from tagkeras.export.batching import GraphBatching
from tagkeras.export.request_checks import Tensors, check_request, check_rows
from tagkeras.export.request_images import decode_images
from tagkeras.export.tag_lookup import TagLookup
from tagkeras.export.user_inputs import UNKNOWN_USER, USER_INPUTS
from tagkeras.images.cnn.descriptor_model import DescriptorModel
from tagkeras.layers.image_user_embedding import ImageUserEmbedding
from tagkeras.layers.multiplicative_embedding import MultiplicativeEmbedding
from tagkeras.layers.user_descriptor import UserDescriptor
from tagkeras.retrieval.tag_index import TagIndex

# Hashtags and scores of pictures, in either form, and what is known of their users.
_Rank = Callable[..., tuple[tf.Tensor, ...]]


class HashtagRanker:
    """The parts of a trained model that answer requests, and the signatures that they answer.

    Args:
        embedding: phi, trained.
        tag_index: of the trained rows, in the order of the vocabulary.
        manifest: of their dataset.
        vocabulary_path: of the `vocabulary.tsv` that becomes an asset of the export.
        descriptor_model: from image bytes to descriptor; None if posts came with descriptors.
        top_k: hashtags in an answer.
        batching: how concurrent requests are ranked together; None ranks each alone.
    """

    def __init__(
        self,
        embedding: ImageUserEmbedding,
        tag_index: TagIndex,
        manifest: Manifest,
        vocabulary_path: str,
        descriptor_model: DescriptorModel | None,
        top_k: int,
        *,
        batching: GraphBatching | None = None,
    ) -> None:
        self.embedding = embedding
        self.tag_index = tag_index
        self.descriptor_model = descriptor_model
        self.user_descriptor = UserDescriptor(Facts.from_dict(manifest.user_descriptor))
        self.descriptor_size = manifest.descriptor_size
        self.top_k = top_k
        self.tag_lookup = TagLookup(vocabulary_path)
        self.batching = batching

    def resources(self) -> tf.Module:
        """What a SavedModel of the signatures has to hold: variables, tables, the asset.

        The variables themselves, not their Keras layers: of those, the loader that servers use
        would restore nothing.
        """
        module = tf.Module()
        module.variables_of_model = [weight.value for weight in self.embedding.weights]
        module.tag_index = self.tag_index
        module.tag_lookup = self.tag_lookup
        if self.descriptor_model is not None:
            module.descriptor_model = self.descriptor_model
        return module

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The signatures of the export by name, with named inputs and a leading None on each."""
        descriptor = tf.TensorSpec([None, self.descriptor_size], tf.float32, "descriptor")
        image = tf.TensorSpec([None], tf.string, "image")
        user = [tf.TensorSpec([None], dtype, name) for name, dtype in USER_INPUTS.items()]
        signatures = {
            "descriptor": _trace(self.rank, descriptor, *user),
            "classify": _trace(self.classify, tf.TensorSpec([None], tf.string, "inputs")),
            "hashtag_embedding": _trace(
                self.embed_hashtag, tf.TensorSpec([None], tf.string, "hashtag")
            ),
        }
        if self.descriptor_model is None:
            signatures["serving_default"] = signatures["descriptor"]
            signatures["image_embedding"] = _trace(self.embed_image, descriptor, *user)
        else:
            signatures["serving_default"] = _trace(self.rank, image, *user)
            signatures["image_embedding"] = _trace(self.embed_image, image, *user)
            # For batch prediction, which decodes beside the CNN and asks it once for all outputs.
            pixels = tf.TensorSpec([None, *self.descriptor_model.image_size, 3], name="pixels")
            signatures["pixels_descriptor"] = _trace(self.describe_pixels, pixels)
            signatures["descriptor_embedding"] = _trace(self.embed_image, descriptor, *user)
        if isinstance(self.embedding, MultiplicativeEmbedding):
            signatures["user_embedding"] = _trace(self.embed_user, *user)
        return signatures

    def rank(self, inputs: Tensors) -> Tensors:
        """`hashtags` string [B, k], best first, and `scores` float [B, k].

        Of an `image` or a `descriptor`. What may fail for one request alone, such as decoding an
        image, is done before requests are put together.
        """
        if "image" in inputs:
            picture = self._decode(inputs["image"])
            rank: _Rank = self._rank_pixels
        else:
            picture, rank = inputs["descriptor"], self._rank_descriptors
        user = [inputs[name] for name in USER_INPUTS]
        if self.batching is not None:
            rank = self.batching.apply(rank)
        hashtags, scores = rank(picture, *user)
        # Batching forgets the k, also of a request without rows.
        shape = [-1, self.top_k]
        return {"hashtags": tf.reshape(hashtags, shape), "scores": tf.reshape(scores, shape)}

    def classify(self, inputs: Tensors) -> Tensors:
        """`classes` and `scores` of serialized tf.Examples; missing facts of a user are unknown."""
        features = {
            name: tf.io.FixedLenFeature([], dtype, default_value=UNKNOWN_USER[name])
            for name, dtype in USER_INPUTS.items()
        }
        if self.descriptor_model is None:
            features["descriptor"] = tf.io.FixedLenFeature([self.descriptor_size], tf.float32)
        else:
            features["image"] = tf.io.FixedLenFeature([], tf.string)
        ranked = self.rank(tf.io.parse_example(inputs["inputs"], features))
        return {"classes": ranked["hashtags"], "scores": ranked["scores"]}

    def describe_pixels(self, inputs: Tensors) -> Tensors:
        """`descriptor` float [B, n] of decoded images, float [B, height, width, 3] in [0, 255]."""
        assert self.descriptor_model is not None
        return {"descriptor": self.descriptor_model.from_pixels(inputs["pixels"])}

    def embed_image(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, d]: phi of an `image` or a `descriptor` as a user sees it."""
        if "image" in inputs:
            descriptor = self.describe_pixels({"pixels": self._decode(inputs["image"])})
            inputs = {**inputs, **descriptor}
        inputs = check_rows({name: inputs[name] for name in ("descriptor", *USER_INPUTS)})
        user = self._describe_user(inputs)
        phi = self.embedding({"descriptor": inputs["descriptor"], "user_descriptor": user})
        return {"embedding": phi}

    def embed_user(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, user_hidden]: the learned user vector."""
        user = self._describe_user(check_rows(inputs))
        return {"embedding": self.embedding.embed_user(user)}

    def embed_hashtag(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, d] and `known` bool [B]; zeros for an unknown hashtag.

        A leading # and upper case are taken off. The rest of preprocessing's spelling (NFKC) is not
        to be had in stock ops: give hashtags as the model answers them.
        """
        tag = tf.strings.regex_replace(tf.strings.strip(inputs["hashtag"]), "^#+", "")
        ids = self.tag_lookup.ids(tf.strings.lower(tag, encoding="utf-8"))
        known = ids >= 0
        rows = self.tag_index.rows(tf.maximum(ids, 0))
        return {"embedding": tf.where(known[:, None], rows, 0.0), "known": known}

    def _rank_pixels(self, pixels: tf.Tensor, *user: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._rank_descriptors(self.describe_pixels({"pixels": pixels})["descriptor"], *user)

    def _rank_descriptors(
        self, descriptor: tf.Tensor, *user: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        facts = dict(zip(USER_INPUTS, user, strict=True))
        phi = self.embed_image({"descriptor": descriptor, **facts})["embedding"]
        scores, ids = self.tag_index.top_k(phi, self.top_k)
        return self.tag_lookup.tags(ids), scores

    def _describe_user(self, inputs: Tensors) -> tf.Tensor:
        return self.user_descriptor({name: inputs[name] for name in USER_INPUTS})

    def _decode(self, images: tf.Tensor) -> tf.Tensor:
        assert self.descriptor_model is not None
        return decode_images(images, *self.descriptor_model.image_size)


def _trace(
    function: Callable[[Tensors], Tensors], *specs: tf.TensorSpec
) -> tf.types.experimental.ConcreteFunction:
    return tf.function(
        lambda *tensors: function(check_request(tensors, specs)), autograph=False
    ).get_concrete_function(*specs)
