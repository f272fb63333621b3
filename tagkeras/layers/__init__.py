"""Keras layers: the three embeddings of an image as a user sees it, and the user descriptor."""

from typing import Any

from tagkeras.layers.image_user_embedding import ImageUserEmbedding
from tagkeras.layers.linear_embeddings import BilinearEmbedding, UserBiasedEmbedding
from tagkeras.layers.max_norm import project_columns, project_max_norm
from tagkeras.layers.multiplicative_embedding import MultiplicativeEmbedding
from tagkeras.layers.normalized_product import normalized_product
from tagkeras.layers.user_descriptor import UserDescriptor
from tagkeras.names import look_up

__all__ = [
    "BilinearEmbedding",
    "ImageUserEmbedding",
    "MultiplicativeEmbedding",
    "UserBiasedEmbedding",
    "UserDescriptor",
    "get",
    "normalized_product",
    "project_columns",
    "project_max_norm",
]

_CLASSES: dict[str, type[ImageUserEmbedding]] = {
    "bilinear": BilinearEmbedding,
    "user_biased": UserBiasedEmbedding,
    "multiplicative": MultiplicativeEmbedding,
}


def get(identifier: str | ImageUserEmbedding, **kwargs: Any) -> ImageUserEmbedding:
    """The embedding of one of `tagkeras.names.MODELS`, made with `kwargs`, or a layer as it is.

    Example:
        >>> tagkeras.layers.get("multiplicative", embedding_dim=64, rank=100).rank
        100

    Raises:
        ValueError: the name is none of them.
    """
    return look_up("model", _CLASSES, identifier, kwargs)
