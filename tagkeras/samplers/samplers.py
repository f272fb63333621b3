"""The samplers by the name that `--sampler` gives them."""

from tagkeras.samplers.exhaustive_sampler import ExhaustiveSampler
from tagkeras.samplers.negative_sampler import NegativeSampler
from tagkeras.samplers.pooled_sampler import PooledSampler
from tagkeras.samplers.sequential_sampler import SequentialSampler

SAMPLERS = ("pooled", "sequential", "exhaustive")


def make_sampler(
    name: str, *, max_negatives: int = 1000, margin: float = 0.1, pool_group: int = 512
) -> NegativeSampler:
    """The sampler of one of `SAMPLERS`; `pool_group` is of the pooled one only.

    Raises:
        ValueError: the name is none of them.
    """
    match name:
        case "pooled":
            return PooledSampler(max_negatives=max_negatives, margin=margin, pool_group=pool_group)
        case "sequential":
            return SequentialSampler(max_negatives=max_negatives, margin=margin)
        case "exhaustive":
            return ExhaustiveSampler(max_negatives=max_negatives, margin=margin)
    raise ValueError(f"sampler must be one of {', '.join(SAMPLERS)}, received {name!r}")
