"""The options of `tagkeras.train`: what a model is, how it learns, and how a run is watched.

Nothing here imports TensorFlow, so that `--help` and a wrong flag are answered at once.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.names import LOSSES, MODELS, OPTIMIZERS, RANK_WEIGHTS, REDUCTIONS, SAMPLERS

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
SCHEDULES = ("hold", "linear", "plateau", "constant")
CACHES = ("auto", "none", "memory", "device")
STRATEGIES = ("none", "mirrored", "multi_worker")
# What runs did that are older than these options.
OLDER = {
    "user_offset": False,
    "rank_weight": "harmonic",
    "descriptor_dropout": 0.0,
    "fact_dropout": 0.0,
    "averaged_epochs": 0.0,
    "tag_stddev": 0.1,
}
# A larger model is a slip of the finger.
MAX_SIZE = 2**16
# A run may resume with other values of these: they say how long it trains, not what a step does.
# Only `cache=device`, which is compiled into the step, rounds its sums differently.
FREE = frozenset(
    {
        "data",
        "workdir",
        "epochs",
        "early_stopping",
        "cache",
        "steps_per_execution",
        "checkpoint_minutes",
        "tensorboard",
    }
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What the model is and how it learns; each field is a flag of `tagkeras.train`."""

    model: str = option("multiplicative", help="how image and user meet", choices=MODELS)
    embedding_dim: int = option(
        64, help="d, the size of the embeddings", minimum=1, maximum=MAX_SIZE
    )
    rank: int | None = option(
        None,
        help="multiplicative: K, its factors; by default 100 below 50,000 posts, else 200",
        minimum=1,
        maximum=MAX_SIZE,
    )
    user_hidden: int = option(
        48, help="multiplicative: length of the user vector", minimum=1, maximum=MAX_SIZE
    )
    user_offset: bool = option(
        True, help="multiplicative: adds S u + c to phi, which the paper's model has not"
    )
    loss: str = option(
        "warp", help="what is minimised; the others are there to compare with", choices=LOSSES
    )
    margin: float = option(0.2, help="warp: margin of the hinge", minimum=0)
    max_negatives: int | None = option(
        None,
        help="warp: most draws in search of a violator; sampled_softmax: tags in the pool; by"
        " default 1,000; for warp below 10,000 posts the number of tags, from 1,000 to 10,000",
        minimum=1,
        maximum=10**6,
    )
    sampler: str = option(
        "pooled",
        help="warp: how it draws: pooled (one pool for many posts), sequential (each positive its"
        " own), exhaustive (all tags scored; for GPUs and small vocabularies)",
        choices=SAMPLERS,
    )
    rank_weight: str = option(
        "none",
        help="warp: weight of a violator by the positive's rank: harmonic (the paper's), none",
        choices=RANK_WEIGHTS,
    )
    reduction: str = option(
        "mean",
        help="of the loss of a batch: mean over its positives, or their sum (the paper's)",
        choices=REDUCTIONS,
    )
    pool_group: int = option(512, help="warp, pooled: posts that share a pool", minimum=1)
    max_norm: float = option(
        1.0,
        help="largest norm of a tag's row and of the factors' columns; 0 for no bound",
        minimum=0,
    )
    optimizer: str = option("sgd", help="optimizer of weights and tag table", choices=OPTIMIZERS)
    learning_rate: float | None = option(
        None,
        help="rate of the first epoch; by default 0.05 for adagrad, for sgd 0.2 at 32 posts a step,"
        " in proportion up to 512, half as much again below 10,000 posts",
        minimum=1e-12,
    )
    momentum: float = option(0.9, help="sgd: momentum", minimum=0, maximum=0.999)
    initial_stddev: float = option(
        0.1, help="standard deviation of the initial weights; the paper's is 0.001", minimum=1e-9
    )
    tag_stddev: float = option(
        0.01,
        help="the same of the tag table: small, so that rare tags start low",
        minimum=1e-9,
    )
    user_stddev: float = option(1.0, help="multiplicative: that of its user layer", minimum=1e-9)
    user_bias: float = option(0.5, help="multiplicative: initial bias of its user layer")
    descriptor_dropout: float | None = option(
        None,
        help="share of an image's values hidden in training; by default 0.5 where there are fewer"
        " than 10 posts for each value of a descriptor, else 0",
        minimum=0,
        maximum=0.99,
    )
    fact_dropout: float = option(
        0.25,
        help="share of the posts whose user's facts are hidden in training, so that the model can"
        " do without",
        minimum=0,
        maximum=1,
    )
    precision: str = option(
        "float32", help="dtype policy (of Keras) of the embedding", choices=PRECISIONS
    )
    jit_compile: bool = option(False, help="compile the training step by XLA")
    seed: int = option(
        0, help="seed of weights, order of the posts and negatives", minimum=0, maximum=2**31 - 1000
    )

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Settings":
        """Picks the settings out of a config, such as a workdir's; defaults for what it lacks.

        Raises:
            UserError: a value is not one that the option takes.
        """
        config = {**OLDER, **config}
        fields = {field.name: field for field in dataclasses.fields(cls) if field.name in config}
        for name, field in fields.items():
            value, choices = config[name], field.metadata["choices"]
            if not (value in choices if choices else isinstance(value, int | float | None)):
                raise UserError(
                    f"config.json: {name} is {value!r}, which --{name} does not take: restore a"
                    " copy, or train again in another --workdir"
                )
        return cls(**{name: config[name] for name in fields})

    @property
    def first_learning_rate(self) -> float:
        """`learning_rate`, or the default of steps of 32 posts."""
        return self.rate_for(32) if self.learning_rate is None else self.learning_rate

    def rate_for(self, batch_size: int, tags_per_post: float = 1.0) -> float:
        """The rate, measured, that learns at once from `initial_stddev` 0.1 by such steps.

        SGD's grows with the batch, up to 512 posts; `harmonic` makes steps some four times as long,
        and a sum as many times as there are positives.
        """
        if self.optimizer == "adagrad":
            return 0.05
        rate = 0.2 * min(batch_size, 512) / 32
        if self.loss == "warp" and self.rank_weight == "harmonic":
            rate /= 4
        return rate / (batch_size * tags_per_post) if self.reduction == "sum" else rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """The settings, and what a run is fed and watched with."""

    data: str = option(help="dataset folder that beam.preprocess wrote")
    workdir: str = option(help="folder of this run; an interrupted run resumes in its own")
    batch_size: int | None = option(
        None,
        help="posts in a step; by default 32 below 10,000 posts, 64 below 50,000, else 128, with a"
        " GPU 512",
        minimum=1,
        maximum=2**24,
    )
    epochs: int | None = option(
        None,
        help="passes over the training posts; by default 30 below 10,000 posts, else 15",
        minimum=1,
        maximum=10**6,
    )
    early_stopping: int = option(
        0, help="stop after so many epochs without a better validation R@10; 0: never", minimum=0
    )
    schedule: str = option(
        "hold",
        help="learning rate: hold (the full rate in the first half of the epochs, then down to 0),"
        " linear (down to 0 from the start), plateau (a tenth when validation P@1 stops improving),"
        " constant",
        choices=SCHEDULES,
    )
    averaged_epochs: float | None = option(
        None,
        help="share of the epochs, the last ones, whose weights are averaged, 0 for none; by"
        " default 0.8 below 10,000 posts, else 0.25",
        minimum=0,
        maximum=1,
    )
    cache: str = option(
        "auto",
        help="where the training posts are read from each epoch: none (their files), memory, device"
        " (memory of the GPU, of the host where there is none); auto is memory up to 1 GiB",
        choices=CACHES,
    )
    steps_per_execution: int | None = option(
        None,
        help="steps between two looks at the loss and the clock; by default 4,096 posts",
        minimum=1,
        maximum=2**24,
    )
    checkpoint_minutes: float = option(
        10, help="minutes between checkpoints within an epoch; 0: at its end only", minimum=0
    )
    tensorboard: bool = option(False, help="write logs for TensorBoard to WORKDIR/tensorboard")
    warm_start: str | None = option(
        None,
        help="workdir of an earlier run to start from: weights, and rows of the tags known there",
    )
    strategy: str = option(
        "none",
        help="mirrored: all GPUs of this machine, each with its share of a batch; multi_worker:"
        " all machines that the environment variable TF_CONFIG names",
        choices=STRATEGIES,
    )
    hogwild_threads: int = option(
        0,
        help="threads of the CPU that train the same weights without waiting for each other;"
        " 0: none do",
        minimum=0,
        maximum=1024,
    )


def check_flags(config: Config, manifest: Manifest) -> None:
    """Refuses flags that exclude each other, or do not suit the dataset.

    Raises:
        UserError: names them and the remedy.
    """
    if manifest.num_tags < 2:
        raise UserError(
            f"{config.data} has a vocabulary of {manifest.num_tags} tag: ranking needs at least 2;"
            " preprocess posts with more hashtags, or lower --min_tag_count"
        )
    if not manifest.splits["validation"]["posts"]:
        if config.schedule == "plateau":
            raise UserError(f"{config.data} has no validation posts: choose another --schedule")
        if config.early_stopping:
            raise UserError(f"{config.data} has no validation posts: leave out --early_stopping")
    if config.jit_compile and config.loss == "warp" and config.sampler == "sequential":
        raise UserError(
            "--jit_compile: XLA cannot compile --sampler=sequential: choose another --sampler or"
            " leave out --jit_compile"
        )
    strategy = f"--strategy={config.strategy}", config.strategy != "none"
    hogwild = f"--hogwild_threads={config.hogwild_threads}", config.hogwild_threads > 0
    xla = "--jit_compile", config.jit_compile
    many_steps = (config.steps_per_execution or 1) > 1
    steps = f"--steps_per_execution={config.steps_per_execution}", many_steps
    cache = "--cache=device", config.cache == "device"
    precision = "--precision=mixed_float16", config.precision == "mixed_float16"
    for (one, has_one), (other, has_other) in (
        (hogwild, xla),
        (hogwild, steps),
        (strategy, hogwild),
        (strategy, xla),
        (strategy, cache),
        (strategy, precision),
    ):
        if has_one and has_other:
            raise UserError(f"{one} and {other} do not go together: leave one out")
