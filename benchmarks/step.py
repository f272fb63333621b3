"""Times training steps: WARP beside given negatives, large tables beside small, and the rest.

    python -m benchmarks.step

Comparisons, each of steps that are timed in turn; prints one JSON object, medians in
milliseconds.

- `early` and `late`: a WARP step beside the same step with the negatives given. Early in training
  the first draw violates; late, a positive needs hundreds.
- `vocabulary`: a table of 4.6 million tags beside one of 10 thousand.
- `users`: a user descriptor of 1,000 values beside one of 10.
- `products`: the step beside the matrix products that it is made of, run alone.
- `samplers` and `losses`: the others beside the default.
"""

import dataclasses
import json
import os

import tensorflow as tf

from benchmarks.steps import StepMaker, time_in_turn
from tagkeras import samplers
from tagkeras.cli.commandline import option, run
from tagkeras.names import LOSSES, SAMPLERS
from tagkeras.samplers import Negatives, Pooled, Sampler
from tagkeras.samplers.pooled import BLOCK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    descriptor_size: int = option(4096, help="n", minimum=1)
    tags: int = option(10_000, help="Y", minimum=2)
    many_tags: int = option(4_600_000, help="Y of the large table", minimum=2)
    batch_size: int = option(512, help="posts in a step, one positive each", minimum=1)
    steps: int = option(40, help="timed steps of each kind", minimum=1)
    jit_compile: bool = option(False, help="compile the steps by XLA")
    precision: str = option("float32", help="Keras dtype policy of the embedding")


class GivenNegatives(Sampler):
    """One draw, which counts whatever it scores: what a step costs without a search."""

    def sample(self, phi, table, post_tags, thresholds, seed):  # type: ignore[no-untyped-def]
        """A random tag for each positive."""
        tag = tf.random.stateless_uniform(
            tf.shape(post_tags.tag), seed, 0, table.shape[0], tf.int64
        )
        return Negatives(tag, tf.ones_like(post_tags.post), post_tags.is_positive)


def main(config: Config) -> None:
    """Times and prints."""
    maker = StepMaker(
        descriptor_size=config.descriptor_size,
        batch_size=config.batch_size,
        jit_compile=config.jit_compile,
        precision=config.precision,
    )
    result = {"benchmark": "step", "cores": os.cpu_count(), **dataclasses.asdict(config)}
    for name, share_of_violators in (("early", 0.5), ("late", 1 / 800)):
        result[name] = _compare(
            {
                "given": maker.warp_step(config.tags, GivenNegatives(), share_of_violators),
                "warp": maker.warp_step(config.tags, Pooled(), share_of_violators),
            },
            config.steps,
        )
    result["vocabulary"] = _compare(
        {
            "small": maker.warp_step(config.tags, Pooled(), 0.5),
            "large": maker.warp_step(config.many_tags, Pooled(), 0.5),
        },
        config.steps,
    )
    of_facts = dataclasses.replace(maker, user_descriptor_size=1000)
    result["users"] = _compare(
        {
            "few_facts": maker.warp_step(config.tags, Pooled(), 0.5),
            "many_facts": of_facts.warp_step(config.tags, Pooled(), 0.5),
        },
        config.steps,
    )
    pool = Pooled().num_blocks(config.tags) * BLOCK
    products, operations = maker.products(pool)
    step = maker.warp_step(config.tags, Pooled(), 0.5)
    times = time_in_turn({"products": products, "step": step}, config.steps)
    result["products"] = {
        **{f"{kind}_ms": round(value, 2) for kind, value in times.items()},
        "share": round(times["products"] / times["step"], 3),
        "products_gflops": round(operations / times["products"] / 1e6, 1),
        "step_gflops": round(operations / times["step"] / 1e6, 1),
    }
    kept = [name for name in SAMPLERS if not (config.jit_compile and name == "sequential")]
    result["samplers"] = time_in_turn(
        {
            f"{name}_{stage}_ms": maker.warp_step(config.tags, samplers.get(name), share)
            for name in kept
            for stage, share in (("early", 0.5), ("late", 1 / 800))
        },
        max(3, config.steps // 4),
    )
    losses = {f"{name}_ms": maker.loss_step(config.tags, name) for name in LOSSES}
    result["losses"] = time_in_turn(losses, max(3, config.steps // 4))
    print(json.dumps(result))


def _compare(steps, count):  # type: ignore[no-untyped-def]
    """Two kinds of WARP steps; the ratio is the second's time by the first's."""
    times = time_in_turn(steps, count)
    first, second = steps
    return {
        **{f"{kind}_ms": round(value, 2) for kind, value in times.items()},
        "ratio": round(times[second] / times[first], 3),
        "mean_draws": round(float(steps[second]()["mean_draws"]), 1),
    }


if __name__ == "__main__":
    run(main, Config)
