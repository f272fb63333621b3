"""The model of a run: made and compiled from its settings, or restored from its workdir."""

from typing import Any

import keras
import tensorflow as tf

from tagkeras import layers, losses, samplers
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.models import HashtagModel, InputDropout
from tagkeras.train.checkpoints import CheckpointError, read_checkpoint
from tagkeras.train.config import Settings
from tagkeras.train.workdir import Workdir

# Adagrad's first steps are about learning_rate / sqrt(1 + initial_accumulator / g^2) long. The mean
# over a batch makes g small, so that Keras's 0.1 would hold it near the saddle at zero.
INITIAL_ACCUMULATOR = 1e-6


def make_model(
    settings: Settings, manifest: Manifest, *, precision: str = "float32"
) -> HashtagModel:
    """A built model with fresh weights for a dataset.

    The precision is that of the embedding's products; its weights are always float32.
    """
    arguments: dict[str, Any] = {
        "embedding_dim": settings.embedding_dim,
        "initial_stddev": settings.initial_stddev,
        "dtype": precision,
        "seed": settings.seed + 1,  # the tag table takes `seed` itself
        "user_mask": None if all(manifest.varies) else manifest.varies,
    }
    if settings.model == "multiplicative":
        arguments |= {
            "rank": settings.rank or 100,
            "user_hidden": settings.user_hidden,
            "user_stddev": settings.user_stddev,
            "user_bias": settings.user_bias,
            "user_offset": settings.user_offset,
        }
    model = HashtagModel(
        layers.get(settings.model, **arguments),
        manifest.num_tags,
        max_norm=settings.max_norm or None,
        initial_stddev=settings.tag_stddev,
        seed=settings.seed,
        input_dropout=_make_input_dropout(settings, manifest),
    )
    model.build(
        {
            "descriptor": (None, manifest.descriptor_size),
            "user_descriptor": (None, manifest.user_descriptor["size"]),
        }
    )
    return model


def _make_input_dropout(settings: Settings, manifest: Manifest) -> InputDropout | None:
    if not settings.descriptor_dropout and not settings.fact_dropout:
        return None
    columns = manifest.facts.columns if settings.fact_dropout else ()
    return InputDropout(
        descriptor=settings.descriptor_dropout or 0.0,
        facts=settings.fact_dropout,
        groups=[(fact.start, fact.stop) for fact in columns],
        unknown=manifest.facts.unknown if columns else (),
    )


def compile_model(model: HashtagModel, settings: Settings) -> None:
    """Gives a model its loss and its optimizers, ready to train or to restore."""
    rate = settings.first_learning_rate
    optimizer: keras.optimizers.Optimizer
    if settings.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=settings.momentum)
    else:
        optimizer = keras.optimizers.Adagrad(rate, initial_accumulator_value=INITIAL_ACCUMULATOR)
    if settings.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # Rows are updated by the matching row optimizer, at the same rate.
    model.compile(
        optimizer,
        make_loss(settings),
        reduction=settings.reduction,
        jit_compile=settings.jit_compile,
    )


def make_loss(settings: Settings) -> losses.RankingLoss:
    """The loss, and the sampler of WARP."""
    max_negatives = settings.max_negatives or 1000
    if settings.loss == "sampled_softmax":
        return losses.SampledSoftmax(max_negatives)
    if settings.loss != "warp":
        return losses.get(settings.loss)
    arguments = {"max_negatives": max_negatives}
    if settings.sampler == "pooled":
        arguments["pool_group"] = settings.pool_group
    sampler = samplers.get(settings.sampler, **arguments)
    return losses.Warp(settings.margin, sampler, rank_weight=settings.rank_weight)


def restore_model(workdir: Workdir) -> HashtagModel:
    """The model of a run, with the weights of its best epoch.

    Raises:
        UserError: the folder is no workdir, no epoch was finished yet, or a file is damaged.
    """
    settings = Settings.of(workdir.config())
    workdir.best_epoch()
    model = make_model(settings, workdir.manifest())
    path = workdir.best / "model"
    try:
        read_checkpoint(weights_checkpoint(model), path)
    except CheckpointError as error:
        raise UserError(
            f"{path} cannot be read ({error}): restore a copy, or train again in another --workdir"
        ) from error
    return model


def weights_checkpoint(model: HashtagModel) -> tf.train.Checkpoint:
    """A checkpoint of the embedding's weights and the tag table."""
    embedding = {weight.name: weight.value for weight in model.embedding.weights}
    return tf.train.Checkpoint(tag_table=model.tag_table.value, embedding=embedding)


def training_checkpoint(model: HashtagModel) -> tf.train.Checkpoint:
    """A checkpoint of the weights and of both optimizers of a compiled model."""
    checkpoint = weights_checkpoint(model)
    checkpoint.optimizer = [variable.value for variable in model.optimizer.variables]
    checkpoint.row_optimizer = model.row_optimizer
    return checkpoint
