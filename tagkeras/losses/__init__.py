"""The losses that hashtags can be ranked by: WARP, and those to compare it with."""

from typing import Any

from tagkeras.losses.bpr import Bpr
from tagkeras.losses.ranking_loss import Draw, PairLoss, RankingLoss
from tagkeras.losses.sampled_softmax import SampledSoftmax
from tagkeras.losses.softmax import Softmax
from tagkeras.losses.warp import Warp, estimate_rank, rank_weight
from tagkeras.names import look_up

__all__ = [
    "Bpr",
    "Draw",
    "PairLoss",
    "RankingLoss",
    "SampledSoftmax",
    "Softmax",
    "Warp",
    "estimate_rank",
    "get",
    "rank_weight",
]

_CLASSES: dict[str, type[RankingLoss]] = {
    "warp": Warp,
    "softmax": Softmax,
    "sampled_softmax": SampledSoftmax,
    "bpr": Bpr,
}


def get(identifier: str | RankingLoss, **kwargs: Any) -> RankingLoss:
    """The loss of one of `tagkeras.names.LOSSES`, made with `kwargs`, or a loss as it is.

    Example:
        >>> tagkeras.losses.get("warp", margin=0.2).margin
        0.2

    Raises:
        ValueError: the name is none of them.
    """
    return look_up("loss", _CLASSES, identifier, kwargs)
