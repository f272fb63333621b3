"""The flags of `beam.preprocess`, checked."""

import dataclasses

from beam.posts.flags import PostsConfig
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import COUNTRY, MAX_LOCATION_DECIMALS, Fact, FactSchema, make_facts
from tagkeras.data.manifest import DESCRIPTOR_DTYPES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(PostsConfig):
    """The options of this command."""

    output: str = option(help="dataset folder to write; a dataset there is replaced at the end")
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
        "natural", help="balanced thins out frequent hashtags", choices=("natural", "balanced")
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
        (), help="countries to tell apart; by default those of --min_category_users users"
    )
    user_categories: tuple[str, ...] = option(
        (), help="further fields that say of a user which of some values applies, such as language"
    )
    user_numbers: tuple[str, ...] = option(
        (), help="further fields that say a number of a user, such as followers"
    )
    min_category_users: int = option(
        10,
        help="training users that a value of a category must have to be told from unknown",
        minimum=1,
    )
    only_countries: tuple[str, ...] = option(
        (), help="drop the posts of all other countries, and of unknown ones"
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
    test_fraction: float | None = option(
        None,
        help="users whose posts are held out for evaluation; 0.1 by default",
        minimum=0,
        maximum=1,
    )
    test_posts: int | None = option(
        None,
        help="instead of --test_fraction: users until their posts are nearest to this number",
        minimum=1,
    )
    split_seed: int = option(0, help="of the splits and of balancing", minimum=0)
    descriptor_dtype: str = option(
        "float16", help="of the stored descriptors", choices=DESCRIPTOR_DTYPES
    )
    num_shards: int | None = option(
        None, help="files of each split; by default chosen by size", minimum=1
    )

    def __post_init__(self) -> None:
        for flag in ("countries", "only_countries"):
            try:
                FactSchema(getattr(self, flag))
            except ValueError as error:
                raise UserError(f"--{flag}: {error}") from error
        try:
            _ = self.facts
        except ValueError as error:
            raise UserError(f"--user_categories, --user_numbers: {error}") from error
        if self.test_posts is not None and self.test_fraction is not None:
            raise UserError("--test_posts and --test_fraction: give one of the two")
        if self.validation_fraction + (self.test_fraction or 0) >= 1:
            raise UserError(
                "--validation_fraction and --test_fraction leave no users to train on:"
                " their sum must be below 1"
            )
        if self.balance_target is not None and self.distribution != "balanced":
            raise UserError("--balance_target needs --distribution=balanced")

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that posts may have."""
        return make_facts(self.user_categories, self.user_numbers)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories whose values are looked for in the posts."""
        return (*(() if self.countries else (COUNTRY.name,)), *self.user_categories)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The facts that statistics are made of: these categories, then the numbers."""
        return (*self.categories, *self.user_numbers)

    def fractions(self, test: float) -> dict[str, float]:
        """What part of the users is in `validation` and, as it was found out, in `test`."""
        return {"validation": self.validation_fraction, "test": test}
