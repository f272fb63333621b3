"""The options of `tagkeras.train`."""

import dataclasses

from tagkeras.cli.commandline import option
from tagkeras.data.training_input import CACHES
from tagkeras.train.learning_rate import SCHEDULES
from tagkeras.train.replicas import STRATEGIES
from tagkeras.train.settings import Settings

# A run may go on with other values of these: they say how long it trains, not what a step does.
# Only `cache=device` has the same sums rounded otherwise, being compiled into the step.
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
class Config(Settings):
    """The settings, and what a run is fed and watched with."""

    data: str = option(help="dataset folder that beam.preprocess wrote")
    workdir: str = option(help="folder of this run; an interrupted run goes on in its own")
    batch_size: int = option(512, help="posts in a step", minimum=1, maximum=2**24)
    epochs: int = option(15, help="passes over the training posts", minimum=1, maximum=10**6)
    early_stopping: int = option(
        0, help="stop after so many epochs without a better validation R@10; 0: never", minimum=0
    )
    schedule: str = option(
        "linear",
        help="learning rate: linear (down to 0 over the epochs), plateau (a tenth when validation"
        " P@1 stops improving), constant",
        choices=SCHEDULES,
    )
    cache: str = option(
        "none",
        help="where the training posts are read from each epoch: none (their files), memory, device"
        " (memory of the GPU, of the host where there is none)",
        choices=CACHES,
    )
    steps_per_execution: int = option(
        1, help="steps between two looks at the loss and the clock", minimum=1, maximum=2**24
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
