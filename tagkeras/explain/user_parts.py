"""The difference that a user makes, in parts that add up."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tagkeras.layers import ImageUserEmbedding, MultiplicativeEmbedding


@dataclasses.dataclass(frozen=True, eq=False)
class UserParts:
    """The difference between a user and an unknown one, for one photo and all hashtags.

    With v the values of K parts, i those of the image and D their directions,

        f(x, u, y) - f(x, u0, y) = sum_k (v_k(u) - v_k(u0)) i_k <D_k, V_y>.

    The parts of the multiplicative model are its factors: v = alpha^T h(u), i = gamma^T x / |x|,
    D = beta; and, with its user offset, those of the user-biased model, which are the values of the
    user descriptor: v = u, i = 1, D = S. The bilinear model has none.

    Values are float64 [K], those of the image NaN where it plays no part; directions float64
    [d, K].
    """

    model: str
    names: tuple[str, ...]
    user_values: np.ndarray
    unknown_values: np.ndarray
    image_values: np.ndarray
    directions: np.ndarray

    @property
    def pushes(self) -> np.ndarray:
        """How far the user moves phi along each direction, float64 [K]."""
        image_values = np.nan_to_num(self.image_values, nan=1.0)
        return (self.user_values - self.unknown_values) * image_values


def split_into_parts(
    embedding: ImageUserEmbedding,
    descriptor: np.ndarray,
    user_descriptor: np.ndarray,
    unknown_descriptor: np.ndarray,
    feature_names: Sequence[str],
) -> UserParts:
    """The parts in which a model sees the difference of a user and an unknown one.

    In float64, of the float32 weights: parts add up to rounding of that. The photo's descriptor is
    float [n]; u and u0 are float [m], with as many feature names. What the model masks counts as 0.
    """
    x, u, u0 = (
        np.asarray(v, np.float64) for v in (descriptor, user_descriptor, unknown_descriptor)
    )
    if embedding.user_mask is not None:
        u, u0 = u * embedding.user_mask, u0 * embedding.user_mask
    weights = {weight.name: weight.numpy().astype(np.float64) for weight in embedding.weights}
    none = np.zeros(0)
    parts = UserParts("bilinear", (), none, none, none, np.zeros((embedding.embedding_dim, 0)))
    if "S" in weights:
        parts = UserParts(
            "user_biased", tuple(feature_names), u, u0, np.full(len(u), np.nan), weights["S"]
        )
    if not isinstance(embedding, MultiplicativeEmbedding):
        return parts
    W, b, alpha, beta, gamma = (weights[name] for name in ("W", "b", "alpha", "beta", "gamma"))
    # The layer's own smallest norm: a descriptor of zeros stays one.
    image_values = x @ gamma / max(np.linalg.norm(x), 1e-12)
    return UserParts(
        model="multiplicative",
        names=(*(f"factor {k + 1}" for k in range(embedding.rank)), *parts.names),
        user_values=np.append(np.maximum(W @ u + b, 0) @ alpha, parts.user_values),
        unknown_values=np.append(np.maximum(W @ u0 + b, 0) @ alpha, parts.unknown_values),
        image_values=np.append(image_values, parts.image_values),
        directions=np.hstack([beta, parts.directions]),
    )
