"""The settings that make a model and its training step."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

import tagkeras
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.post_store import PostStore
from tagkeras.data.post_tags import split_batch
from tagkeras.losses import RankingLoss
from tagkeras.models import HashtagModel
from tagkeras.names import LOSSES, MODELS, OPTIMIZERS, SAMPLERS
from tagkeras.optimizers import RowOptimizer

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# Adagrad's first steps are about learning_rate / sqrt(1 + initial_accumulator / g^2) long. The mean
# over a batch makes g small, so that Keras's 0.1 would hold it near the saddle at zero.
INITIAL_ACCUMULATOR = 1e-6
# Of sizes of the model: more is a slip of the finger.
MOST = 2**16
# Of the values of all settings without choices.
_TYPES = (int, float, bool, type(None))
# Rates that learn at once from `initial_stddev` 0.1, measured; see docs/training.md.
LEARNING_RATES = {"adagrad": 0.05, "sgd": 0.2}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What the model is and how it learns; each field is a flag of `tagkeras.train`."""

    model: str = option("multiplicative", help="how image and user meet", choices=MODELS)
    embedding_dim: int = option(64, help="d, the size of the embeddings", minimum=1, maximum=MOST)
    rank: int = option(100, help="multiplicative: K, its factors", minimum=1, maximum=MOST)
    user_hidden: int = option(
        24, help="multiplicative: length of the user vector", minimum=1, maximum=MOST
    )
    loss: str = option(
        "warp", help="what is minimised; the others are there to compare with", choices=LOSSES
    )
    margin: float = option(0.1, help="warp: margin of the hinge", minimum=0)
    max_negatives: int = option(
        1000,
        help="warp: most draws in search of a violator; sampled_softmax: tags in the pool",
        minimum=1,
        maximum=10**6,
    )
    sampler: str = option(
        "pooled",
        help="warp: how it draws: pooled (one pool for many posts), sequential (each positive its"
        " own), exhaustive (all tags scored; for GPUs and small vocabularies)",
        choices=SAMPLERS,
    )
    pool_group: int = option(512, help="warp, pooled: posts that share a pool", minimum=1)
    max_norm: float = option(
        1.0,
        help="largest norm of a tag's row and of the factors' columns; 0 for no bound",
        minimum=0,
    )
    optimizer: str = option(
        "adagrad", help="optimizer of weights and tag table", choices=OPTIMIZERS
    )
    learning_rate: float | None = option(
        None,
        help="rate of the first epoch; by default 0.05 for adagrad, 0.2 for sgd",
        minimum=1e-12,
    )
    momentum: float = option(0.9, help="sgd: momentum", minimum=0, maximum=0.999)
    initial_stddev: float = option(
        0.1, help="standard deviation of the initial weights; the paper's is 0.001", minimum=1e-9
    )
    user_stddev: float = option(
        1.0, help="multiplicative: the same of its user layer", minimum=1e-9
    )
    user_bias: float = option(0.5, help="multiplicative: initial bias of its user layer")
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
            UserError: a value is none that the option takes.
        """
        settings = {}
        for field in dataclasses.fields(cls):
            if field.name in config:
                value = settings[field.name] = config[field.name]
                choices = field.metadata["choices"]
                is_taken = value in choices if choices else type(value) in _TYPES
                if not is_taken:
                    raise UserError(
                        f"config.json: {field.name} is {value!r}, which is no value of"
                        f" --{field.name}: put back a copy, or train again in another --workdir"
                    )
        return cls(**settings)

    @property
    def first_learning_rate(self) -> float:
        """`learning_rate`, or the optimizer's default."""
        return LEARNING_RATES[self.optimizer] if self.learning_rate is None else self.learning_rate

    def make_model(self, manifest: Manifest, *, precision: str = "float32") -> HashtagModel:
        """A model with fresh weights for a dataset.

        Args:
            manifest: of the dataset.
            precision: of the embedding's products; its weights are float32 always.
        """
        arguments: dict[str, Any] = {
            "embedding_dim": self.embedding_dim,
            "initial_stddev": self.initial_stddev,
            "dtype": precision,
            "seed": self.seed + 1,  # the tag table takes `seed` itself
        }
        if self.model == "multiplicative":
            arguments |= {
                "rank": self.rank,
                "user_hidden": self.user_hidden,
                "user_stddev": self.user_stddev,
                "user_bias": self.user_bias,
            }
        embedding = tagkeras.layers.get(self.model, **arguments)
        model = HashtagModel(
            embedding,
            manifest.num_tags,
            max_norm=self.max_norm or None,
            initial_stddev=self.initial_stddev,
            seed=self.seed,
        )
        model.build(
            {
                "descriptor": (None, manifest.descriptor_size),
                "user_descriptor": (None, manifest.user_descriptor["size"]),
            }
        )
        return model

    def compile(
        self,
        model: HashtagModel,
        *,
        post_store: PostStore | None = None,
        steps_per_execution: int = 1,
    ) -> None:
        """Gives the model its loss and its optimizers, ready to train or to restore."""
        rate = self.first_learning_rate
        optimizer: keras.optimizers.Optimizer
        row_optimizer: RowOptimizer
        if self.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(rate, momentum=self.momentum)
            row_optimizer = tagkeras.optimizers.RowSGD(rate, momentum=self.momentum)
        else:
            optimizer = keras.optimizers.Adagrad(
                rate, initial_accumulator_value=INITIAL_ACCUMULATOR
            )
            row_optimizer = tagkeras.optimizers.RowAdagrad(
                rate, initial_accumulator_value=INITIAL_ACCUMULATOR
            )
        if self.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        model.compile(
            optimizer,
            self.make_loss(),
            row_optimizer=row_optimizer,
            jit_compile=self.jit_compile,
            unpack=lambda batch: split_batch(post_store.lookup(batch) if post_store else batch),
            steps_per_execution=steps_per_execution,
        )

    def make_loss(self) -> RankingLoss:
        """The loss, and of WARP its sampler."""
        match self.loss:
            case "warp":
                arguments = {"pool_group": self.pool_group} if self.sampler == "pooled" else {}
                sampler = tagkeras.samplers.get(
                    self.sampler, max_negatives=self.max_negatives, **arguments
                )
                return tagkeras.losses.Warp(self.margin, sampler)
            case "sampled_softmax":
                return tagkeras.losses.SampledSoftmax(self.max_negatives)
        return tagkeras.losses.get(self.loss)
