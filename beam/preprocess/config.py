"""The flags of `beam.preprocess`, checked."""

import dataclasses

from beam.posts import flags
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import MAX_LOCATION_DECIMALS, FactSchema
from tagkeras.data.manifest import DESCRIPTOR_DTYPES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    input: str = flags.INPUT
    output: str = option(help="dataset folder to write; a dataset there is replaced at the end")
    input_format: str = flags.INPUT_FORMAT
    image_root: str | None = flags.IMAGE_ROOT
    cnn: str = option(
        "MobileNetV2", help="a model of keras.applications, a .keras file or a SavedModel folder"
    )
    cnn_layer: str | None = option(
        None, help="layer that describes the image; by default the one before the classifier"
    )
    cnn_weights: str = option(
        "imagenet", help="imagenet (Keras downloads them once) or a weights file of the CNN"
    )
    distribution: str = option(
        "natural",
        help="balanced thins out frequent hashtags",
        choices=("natural", "balanced"),
    )
    balance_target: float | None = option(
        None,
        help="posts that a hashtag is thinned out to; by default the mean over the vocabulary",
        minimum=1,
    )
    max_tags: int = option(100_000, help="size of the vocabulary, at most", minimum=1)
    min_tag_count: int = option(1, help="training posts a hashtag must be on", minimum=1)
    min_tag_users: int = option(1, help="people who must have used a hashtag", minimum=1)
    stop_tags: str | None = option(
        None, help="file of hashtags, one a line, that count as if they were not there"
    )
    countries: tuple[str, ...] = option(
        ("US", "GB", "CA", "AU", "NZ"), help="countries that the user descriptor tells apart"
    )
    location_decimals: int = option(
        1,
        help="decimals that home towns are rounded to; 1 is about 11 km",
        minimum=0,
        maximum=MAX_LOCATION_DECIMALS,
    )
    validation_fraction: float = option(
        0.05, help="users whose posts choose the best epoch", minimum=0, maximum=1
    )
    test_fraction: float = option(
        0.1, help="users whose posts are held out for evaluation", minimum=0, maximum=1
    )
    split_seed: int = option(0, help="of the splits and of balancing", minimum=0)
    id_key_file: str | None = flags.ID_KEY_FILE
    post_ids: str = flags.POST_IDS
    descriptor_dtype: str = option(
        "float16", help="of the stored descriptors", choices=DESCRIPTOR_DTYPES
    )
    max_rejected_fraction: float = flags.MAX_REJECTED_FRACTION
    large_model: bool = flags.LARGE_MODEL
    num_shards: int | None = option(
        None, help="files of each split; by default chosen by size", minimum=1
    )

    def __post_init__(self) -> None:
        try:
            _ = self.facts
        except ValueError as error:
            raise UserError(f"--countries: {error}") from error
        if self.validation_fraction + self.test_fraction >= 1:
            raise UserError(
                "--validation_fraction and --test_fraction leave no users to train on:"
                " their sum must be below 1"
            )
        if self.balance_target is not None and self.distribution != "balanced":
            raise UserError("--balance_target needs --distribution=balanced")

    @property
    def facts(self) -> FactSchema:
        """The facts that users are described by."""
        return FactSchema(self.countries, self.location_decimals)
