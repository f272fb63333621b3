"""The embeddings by the name that `--model` gives them."""

from typing import Any

from tagkeras.layers.bilinear_embedding import BilinearEmbedding
from tagkeras.layers.image_user_embedding import ImageUserEmbedding
from tagkeras.layers.multiplicative_embedding import MultiplicativeEmbedding
from tagkeras.layers.user_biased_embedding import UserBiasedEmbedding

EMBEDDING_NAMES = ("bilinear", "user_biased", "multiplicative")


def make_embedding(
    name: str,
    *,
    embedding_dim: int,
    rank: int = 100,
    user_hidden: int = 24,
    user_stddev: float = 1.0,
    user_bias: float = 0.5,
    **kwargs: Any,
) -> ImageUserEmbedding:
    """The embedding of one of `EMBEDDING_NAMES`; rank and user_... are of the last one only.

    Raises:
        ValueError: the name is none of them.
    """
    match name:
        case "bilinear":
            return BilinearEmbedding(embedding_dim, **kwargs)
        case "user_biased":
            return UserBiasedEmbedding(embedding_dim, **kwargs)
        case "multiplicative":
            return MultiplicativeEmbedding(
                embedding_dim,
                rank=rank,
                user_hidden=user_hidden,
                user_stddev=user_stddev,
                user_bias=user_bias,
                **kwargs,
            )
    raise ValueError(f"model must be one of {', '.join(EMBEDDING_NAMES)}, received {name!r}")
