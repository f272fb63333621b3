"""The graph of an exported model: from image bytes and a raw user to hashtags."""

import tensorflow as tf

from tagkeras.cnn.descriptor_model import DescriptorModel
from tagkeras.data.manifest import Manifest
from tagkeras.layers.multiplicative_embedding import MultiplicativeEmbedding
from tagkeras.layers.user_descriptor import UserDescriptor
from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.models.top_k import top_k

# Name -> dtype of what a request says of its user; see `UserDescriptor`.
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

Tensors = dict[str, tf.Tensor]


class HashtagRanker:
    """The parts of a trained model that answer requests, and the signatures that they answer.

    Args:
        model: trained.
        manifest: of its dataset.
        vocabulary_path: of `vocabulary.tsv`, which becomes an asset of the export.
        descriptor_model: from image bytes to descriptor; None if posts came with descriptors.
        top_k: hashtags in an answer.
    """

    def __init__(
        self,
        model: HashtagModel,
        manifest: Manifest,
        vocabulary_path: str,
        descriptor_model: DescriptorModel | None,
        top_k: int,
    ) -> None:
        self.embedding = model.embedding
        self.tag_table = model.tag_table
        self.descriptor_model = descriptor_model
        self.user_descriptor = UserDescriptor(
            countries=manifest.user_descriptor["countries"],
            location_decimals=manifest.user_descriptor["location_decimals"],
        )
        self.descriptor_size = manifest.descriptor_size
        self.top_k = top_k
        # Lines of `tag<TAB>count`; the line's number is the id.
        line, tag = tf.lookup.TextFileIndex.LINE_NUMBER, 0
        self.asset = tf.saved_model.Asset(vocabulary_path)
        path = self.asset.asset_path
        self.id_of_tag = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(path, tf.string, tag, tf.int64, line, delimiter="\t"), -1
        )
        self.tag_of_id = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(path, tf.int64, line, tf.string, tag, delimiter="\t"), ""
        )

    def resources(self) -> tf.Module:
        """What a SavedModel of the signatures has to hold: variables, tables, the asset.

        The variables themselves, not their Keras layers: of those, the loader that servers use
        would restore nothing.
        """
        module = tf.Module()
        weights = [*self.embedding.weights, self.tag_table]
        module.variables_of_model = [weight.value for weight in weights]
        module.lookups = [self.asset, self.id_of_tag, self.tag_of_id]
        if self.descriptor_model is not None:
            module.descriptor_model = self.descriptor_model
        return module

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The signatures of the export by name, with named inputs and a leading None on each."""
        descriptor = tf.TensorSpec([None, self.descriptor_size], tf.float32, "descriptor")
        image = tf.TensorSpec([None], tf.string, "image")
        user = [tf.TensorSpec([None], dtype, name) for name, dtype in USER_INPUTS.items()]

        def from_image(inputs: Tensors) -> Tensors:
            assert self.descriptor_model is not None
            return {**inputs, "descriptor": self.descriptor_model(inputs["image"])}

        def concrete(function, *specs: tf.TensorSpec):  # type: ignore[no-untyped-def]
            names = [spec.name for spec in specs]
            return tf.function(
                lambda *tensors: function(dict(zip(names, tensors, strict=True)))
            ).get_concrete_function(*specs)

        signatures = {
            "descriptor": concrete(self.rank, descriptor, *user),
            "classify": concrete(self.classify, tf.TensorSpec([None], tf.string, "inputs")),
            "hashtag_embedding": concrete(
                self.embed_hashtag, tf.TensorSpec([None], tf.string, "hashtag")
            ),
        }
        if self.descriptor_model is None:
            signatures["serving_default"] = signatures["descriptor"]
            signatures["image_embedding"] = concrete(self.embed_image, descriptor, *user)
        else:
            signatures["serving_default"] = concrete(
                lambda inputs: self.rank(from_image(inputs)), image, *user
            )
            signatures["image_embedding"] = concrete(
                lambda inputs: self.embed_image(from_image(inputs)), image, *user
            )
            # For batch prediction, which decodes beside the CNN and asks it once for all outputs.
            pixels = tf.TensorSpec([None, *self.descriptor_model.image_size, 3], name="pixels")
            signatures["pixels_descriptor"] = concrete(self.describe_pixels, pixels)
            signatures["descriptor_embedding"] = concrete(self.embed_image, descriptor, *user)
        if isinstance(self.embedding, MultiplicativeEmbedding):
            signatures["user_embedding"] = concrete(self.embed_user, *user)
        return signatures

    def rank(self, inputs: Tensors) -> Tensors:
        """`hashtags` string [B, k], best first, and `scores` float [B, k]."""
        phi = self.embed_image(inputs)["embedding"]
        scores, ids = top_k(phi, self.tag_table.value, self.top_k)
        return {"hashtags": self.tag_of_id.lookup(ids), "scores": scores}

    def classify(self, inputs: Tensors) -> Tensors:
        """`classes` and `scores` of serialized tf.Examples; missing facts of a user are unknown."""
        features = {
            name: tf.io.FixedLenFeature([], dtype, default_value=UNKNOWN_USER[name])
            for name, dtype in USER_INPUTS.items()
        }
        if self.descriptor_model is None:
            features["descriptor"] = tf.io.FixedLenFeature([self.descriptor_size], tf.float32)
            parsed = tf.io.parse_example(inputs["inputs"], features)
        else:
            features["image"] = tf.io.FixedLenFeature([], tf.string)
            parsed = tf.io.parse_example(inputs["inputs"], features)
            parsed["descriptor"] = self.descriptor_model(parsed["image"])
        ranked = self.rank(parsed)
        return {"classes": ranked["hashtags"], "scores": ranked["scores"]}

    def describe_pixels(self, inputs: Tensors) -> Tensors:
        """`descriptor` float [B, n] of decoded images, float [B, height, width, 3] in [0, 255]."""
        assert self.descriptor_model is not None
        return {"descriptor": self.descriptor_model.from_pixels(inputs["pixels"])}

    def embed_image(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, d]: phi of a descriptor as a user sees it."""
        user = self.user_descriptor({name: inputs[name] for name in USER_INPUTS})
        phi = self.embedding({"descriptor": inputs["descriptor"], "user_descriptor": user})
        return {"embedding": phi}

    def embed_user(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, user_hidden]: the learned user vector."""
        return {"embedding": self.embedding.embed_user(self.user_descriptor(inputs))}

    def embed_hashtag(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, d] and `known` bool [B]; zeros for an unknown hashtag.

        A leading # and upper case are taken off. The rest of preprocessing's spelling (NFKC) is not
        to be had in stock ops: give hashtags as the model answers them.
        """
        tag = tf.strings.regex_replace(tf.strings.strip(inputs["hashtag"]), "^#+", "")
        ids = self.id_of_tag.lookup(tf.strings.lower(tag, encoding="utf-8"))
        known = ids >= 0
        rows = tf.gather(self.tag_table.value, tf.maximum(ids, 0))
        return {"embedding": tf.where(known[:, None], rows, 0.0), "known": known}
