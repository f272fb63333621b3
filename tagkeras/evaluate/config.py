"""The options of `tagkeras.evaluate`."""

import dataclasses

from tagkeras.cli.commandline import option

BASELINES = ("frequency", "demographic", "neighbour")
# Years at which an age group begins.
AGE_BOUNDS = (18, 25, 35, 45, 55, 65)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch is evaluated")
    data: str = option(help="dataset folder that beam.preprocess wrote")
    output: str = option(help="folder to write metrics.json and the Parquet files to")
    split: str = option("test", help="posts to rank", choices=("train", "validation", "test"))
    top_k: int | None = option(
        None, help="hashtags to predict; by default 10, or all of a smaller vocabulary", minimum=1
    )
    ks: tuple[str, ...] | None = option(
        None, help="how many predictions metrics count; by default 1 and --top_k"
    )
    baselines: tuple[str, ...] = option(
        BASELINES,
        help=f"rankings to compare with, of {', '.join(BASELINES)}; all but frequency read the"
        " training posts; --baselines= for none",
    )
    neighbour_posts: int = option(
        50_000, help="training posts, drawn at random, that neighbours are sought among", minimum=1
    )
    oracle: str | None = option(None, help="Parquet file of the posts' most probable hashtags")
    curve_tags: int | None = option(
        None,
        help="most frequent tags to have average precision and a curve; by default 400, fewer for"
        " more than 330,000 posts",
        minimum=0,
    )
    tags: tuple[str, ...] = option((), help="other tags to have them")
    age_groups: tuple[str, ...] = option(
        tuple(map(str, AGE_BOUNDS)), help="ages, in years, at which an age group begins"
    )
    bootstrap_samples: int = option(
        1000, help="resamples of users, for the intervals", minimum=100, maximum=10**6
    )
