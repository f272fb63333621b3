"""The losses by the name that `--loss` gives them."""

from typing import Any

from tagkeras.losses.bpr_loss import BprLoss
from tagkeras.losses.ranking_loss import RankingLoss
from tagkeras.losses.sampled_softmax_loss import SampledSoftmaxLoss
from tagkeras.losses.softmax_loss import SoftmaxLoss
from tagkeras.losses.warp_loss import WarpLoss
from tagkeras.samplers.samplers import make_sampler

LOSSES = ("warp", "softmax", "sampled_softmax", "bpr")


def make_loss(
    name: str, *, sampler: str = "pooled", max_negatives: int = 1000, **kwargs: Any
) -> RankingLoss:
    """The loss of one of `LOSSES`.

    Args:
        name: of the loss.
        sampler: of WARP, one of `tagkeras.samplers.samplers.SAMPLERS`.
        max_negatives: most draws of WARP, or tags in the pool of sampled softmax.
        **kwargs: of `make_sampler`.

    Raises:
        ValueError: the name is none of them.
    """
    match name:
        case "warp":
            return WarpLoss(make_sampler(sampler, max_negatives=max_negatives, **kwargs))
        case "softmax":
            return SoftmaxLoss()
        case "sampled_softmax":
            return SampledSoftmaxLoss(max_negatives)
        case "bpr":
            return BprLoss()
    raise ValueError(f"loss must be one of {', '.join(LOSSES)}, received {name!r}")
