"""The graph of an exported model: from image bytes and a raw user to hashtags."""

import tensorflow as tf

from tagkeras.data.manifest import Manifest
from tagkeras.export.requests import (
    Function,
    GraphBatching,
    Tensors,
    decode_images,
    fill_rows,
    read_texts,
    trace,
)
from tagkeras.images.cnn.descriptor_model import DescriptorModel
from tagkeras.layers import ImageUserEmbedding, MultiplicativeEmbedding, UserDescriptor
from tagkeras.retrieval import TopK

_LINE_NUMBER = tf.lookup.TextFileIndex.LINE_NUMBER


class HashtagRanker:
    """The parts of a trained model that answer requests, and the signatures that they answer.

    Args:
        embedding: phi, trained.
        tag_index: finds the hashtags of an answer among the trained rows, which are in the order of
            the vocabulary.
        manifest: of their dataset.
        vocabulary_path: of the `vocabulary.tsv` that becomes an asset of the export.
        descriptor_model: from image bytes to descriptor; None if posts came with descriptors.
        batching: how concurrent requests are ranked together; None ranks each alone.
    """

    def __init__(
        self,
        embedding: ImageUserEmbedding,
        tag_index: TopK,
        manifest: Manifest,
        vocabulary_path: str,
        descriptor_model: DescriptorModel | None,
        *,
        batching: GraphBatching | None = None,
    ) -> None:
        self.embedding = embedding
        self.tag_index = tag_index
        self.descriptor_model = descriptor_model
        self.facts = manifest.facts
        self.telling_facts = manifest.telling_facts
        self.user_descriptor = UserDescriptor(self.facts)
        # Of the facts, by name.
        self.dtypes = {f.name: tf.string if f.is_text else tf.float32 for f in self.facts.facts}
        self.descriptor_size = manifest.descriptor_size
        # The line numbers of the file are the ids of its tags.
        self.vocabulary = tf.saved_model.Asset(vocabulary_path)
        self.id_of_tag = self._make_table(tf.string, 0, tf.int64, _LINE_NUMBER, -1)
        self.tag_of_id = self._make_table(tf.int64, _LINE_NUMBER, tf.string, 0, "")
        self.batching = batching
        self._rank_filled = tf.function(self._rank_rows, autograph=False)

    def resources(self) -> tf.Module:
        """What a SavedModel of the signatures has to hold: variables, tables, the asset.

        The variables themselves, not their Keras layers: of those, the loader that servers use
        would restore nothing.
        """
        module = tf.Module()
        layers = (self.embedding, self.tag_index)
        module.variables_of_model = [weight.value for layer in layers for weight in layer.weights]
        module.vocabulary = self.vocabulary
        module.tables = [self.id_of_tag, self.tag_of_id]
        if self.descriptor_model is not None:
            module.descriptor_model = self.descriptor_model
        return module

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """The signatures of the export by name, with named inputs and a leading None on each."""
        descriptor = tf.TensorSpec([None, self.descriptor_size], tf.float32, "descriptor")
        image = tf.TensorSpec([None], tf.string, "image")
        user = [tf.TensorSpec([None], dtype, name) for name, dtype in self.dtypes.items()]
        texts = [tf.TensorSpec([None], tf.string, name) for name in self.dtypes]
        every = {"optional": self.dtypes}
        signatures = {
            "descriptor": trace(self.rank, descriptor, *user, **every),
            "descriptor_only": trace(self.rank, descriptor),
            "descriptor_text_facts": trace(self.rank_texts, descriptor, *texts, **every),
            "classify": trace(self.classify, tf.TensorSpec([None], tf.string, "inputs")),
            "hashtag_embedding": trace(
                self.embed_hashtag, tf.TensorSpec([None], tf.string, "hashtag")
            ),
            "facts": trace(self.describe_facts, tf.TensorSpec([None], tf.string, "fact")),
        }
        if self.descriptor_model is None:
            signatures["serving_default"] = signatures["descriptor"]
            signatures["image_embedding"] = trace(self.embed_image, descriptor, *user, **every)
        else:
            signatures["serving_default"] = trace(self.rank, image, *user, **every)
            signatures["photo"] = trace(self.rank, image)
            signatures["text_facts"] = trace(self.rank_texts, image, *texts, **every)
            signatures["image_embedding"] = trace(self.embed_image, image, *user, **every)
            # For batch prediction, which decodes beside the CNN and asks it once for all outputs.
            pixels = tf.TensorSpec([None, *self.descriptor_model.image_size, 3], name="pixels")
            signatures["pixels_descriptor"] = trace(self.describe_pixels, pixels)
            signatures["descriptor_embedding"] = trace(self.embed_image, descriptor, *user, **every)
        if isinstance(self.embedding, MultiplicativeEmbedding):
            signatures["user_embedding"] = trace(self.embed_user, *user, **every)
        return signatures

    def rank(self, inputs: Tensors) -> Tensors:
        """`hashtags` string [B, k], best first, and `scores` float [B, k].

        Of an `image` or a `descriptor`; facts may be missing.
        """
        return self._rank_filled(fill_rows(inputs, self.dtypes))

    def rank_texts(self, inputs: Tensors) -> Tensors:
        """As `rank`, with every fact as a text, string [B]: "" of unknown, numbers in digits."""
        return self.rank(read_texts(inputs, self.facts.facts))

    def classify(self, inputs: Tensors) -> Tensors:
        """`classes` and `scores` of serialized tf.Examples; missing facts of a user are unknown."""
        features = {
            fact.name: tf.io.FixedLenFeature([], self.dtypes[fact.name], fact.unknown)
            for fact in self.facts.facts
        }
        if self.descriptor_model is None:
            features["descriptor"] = tf.io.FixedLenFeature([self.descriptor_size], tf.float32)
        else:
            features["image"] = tf.io.FixedLenFeature([], tf.string)
        # JSON's 34 becomes an integer, which cannot be parsed; the error names this op.
        with tf.name_scope("write_a_number_as_34.0_not_34_and_a_text_in_quotes"):
            examples = tf.io.parse_example(inputs["inputs"], features)
        ranked = self.rank(examples)
        return {"classes": ranked["hashtags"], "scores": ranked["scores"]}

    def describe_pixels(self, inputs: Tensors) -> Tensors:
        """`descriptor` float [B, n] of decoded images, float [B, height, width, 3] in [0, 255]."""
        assert self.descriptor_model is not None
        return {"descriptor": self.descriptor_model.from_pixels(inputs["pixels"])}

    def describe_facts(self, inputs: Tensors) -> Tensors:
        """What is known of facts by their names, `fact` string [B]: `tells` bool [B], `values`.

        A fact tells if training posts differ in it; another one changes no answer. `values`, string
        [B, V], are those that a category tells apart, with "" after the last.
        """
        facts = self.facts.facts
        values = [self.facts.values.get(fact.name, ()) for fact in facts]
        width = max(map(len, values))
        # The last row is that of names that no fact has.
        rows = [[*own, *[""] * (width - len(own))] for own in (*values, ())]
        is_fact = tf.equal(inputs["fact"][:, tf.newaxis], [fact.name for fact in facts])
        is_fact = tf.pad(is_fact, [[0, 0], [0, 1]], constant_values=True)
        row = tf.argmax(tf.cast(is_fact, tf.int32), axis=1)
        tells = [fact in self.telling_facts for fact in facts]
        return {
            "tells": tf.gather([*tells, False], row),
            "values": tf.gather(tf.constant(rows, tf.string, [len(rows), width]), row),
        }

    def embed_image(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, d]: phi of an `image` or a `descriptor` as a user sees it."""
        inputs = fill_rows(inputs, self.dtypes)
        if "image" in inputs:
            inputs |= self.describe_pixels({"pixels": self._decode(inputs["image"])})
        return {"embedding": self._embed(inputs["descriptor"], inputs)}

    def embed_user(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, user_hidden]: the learned user vector."""
        user = self.user_descriptor(fill_rows(inputs, self.dtypes))
        return {"embedding": self.embedding.embed_user(user)}

    def embed_hashtag(self, inputs: Tensors) -> Tensors:
        """`embedding` float [B, d] and `known` bool [B]; zeros for an unknown hashtag.

        A leading # and upper case are removed. Stock ops cannot normalise Unicode as preprocessing
        does: give hashtags as the model answers them.
        """
        tag = tf.strings.regex_replace(tf.strings.strip(inputs["hashtag"]), "^#+", "")
        ids = self.id_of_tag.lookup(tf.strings.lower(tag, encoding="utf-8"))
        known = ids >= 0
        rows = self.tag_index.rows(tf.maximum(ids, 0))
        return {"embedding": tf.where(known[:, None], rows, 0.0), "known": known}

    def _rank_rows(self, inputs: Tensors) -> Tensors:
        """`rank` of inputs with all facts; a tf.function, since several signatures share it.

        What may fail for one request alone, such as decoding an image, comes before batching.
        """
        rank: Function
        if "image" in inputs:
            picture, rank = self._decode(inputs["image"]), self._rank_pixels
        else:
            picture, rank = inputs["descriptor"], self._rank_descriptors
        if self.batching is not None:
            rank = self.batching.apply(rank)
        hashtags, scores = rank(picture, *(inputs[name] for name in self.dtypes))
        # Batching forgets the k, also of a request without rows.
        shape = [-1, self.tag_index.k]
        return {"hashtags": tf.reshape(hashtags, shape), "scores": tf.reshape(scores, shape)}

    def _rank_pixels(self, pixels: tf.Tensor, *user: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._rank_descriptors(self.describe_pixels({"pixels": pixels})["descriptor"], *user)

    def _rank_descriptors(
        self, descriptor: tf.Tensor, *user: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        phi = self._embed(descriptor, dict(zip(self.dtypes, user, strict=True)))
        scores, ids = self.tag_index(phi)
        return self.tag_of_id.lookup(ids), scores

    def _make_table(
        self, keys: tf.DType, key: int, values: tf.DType, value: int, default: int | str
    ) -> tf.lookup.StaticHashTable:
        """A table from one column of the vocabulary to another."""
        path = self.vocabulary.asset_path
        columns = tf.lookup.TextFileInitializer(path, keys, key, values, value, delimiter="\t")
        return tf.lookup.StaticHashTable(columns, default)

    def _embed(self, descriptor: tf.Tensor, facts: Tensors) -> tf.Tensor:
        user = self.user_descriptor(facts)
        return self.embedding({"descriptor": descriptor, "user_descriptor": user})

    def _decode(self, images: tf.Tensor) -> tf.Tensor:
        assert self.descriptor_model is not None
        return decode_images(images, *self.descriptor_model.image_size)
