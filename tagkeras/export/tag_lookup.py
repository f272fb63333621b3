"""From hashtag to id and back, in a graph."""

import tensorflow as tf


class TagLookup(tf.Module):
    """Two tables of a vocabulary file, which becomes an asset of the SavedModel they are part of.

    Args:
        path: of a `vocabulary.tsv`, lines of `tag<TAB>count`; line number - 1 is the id.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._asset = tf.saved_model.Asset(path)
        line, tag = tf.lookup.TextFileIndex.LINE_NUMBER, 0
        path = self._asset.asset_path
        self._id_of_tag = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(path, tf.string, tag, tf.int64, line, delimiter="\t"), -1
        )
        self._tag_of_id = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(path, tf.int64, line, tf.string, tag, delimiter="\t"), ""
        )

    def ids(self, tags: tf.Tensor) -> tf.Tensor:
        """Int64 ids of hashtags, of the same shape; -1 for an unknown one."""
        return self._id_of_tag.lookup(tags)

    def tags(self, ids: tf.Tensor) -> tf.Tensor:
        """The hashtags of int64 ids, of the same shape."""
        return self._tag_of_id.lookup(ids)
