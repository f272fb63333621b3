"""The options of `tagkeras.add_tags`."""

import dataclasses

from tagkeras.cli.commandline import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is added to which run, and how it is learned."""

    workdir: str = option(help="folder of the training run; its best epoch gets the tags")
    data: str = option(help="dataset folder of the run; its descriptor model describes images")
    posts: str = option(help="example posts: .jsonl, .jsonl.gz or .parquet, as beam.preprocess's")
    output: str = option(help="folder of the new workdir; it must not exist")
    tags: tuple[str, ...] | None = option(
        None, help="hashtags to add; by default all that the model does not know"
    )
    min_posts: int = option(3, help="least number of posts to learn a hashtag from", minimum=1)
    image_root: str | None = option(
        None, help="folder that image paths are relative to; by default that of the posts' file"
    )
    share: float = option(
        0.01,
        help="the share of all posts that you expect to have such a hashtag: more ranks it higher",
        minimum=1e-6,
        maximum=0.5,
    )
    background_posts: int = option(
        10_000, help="training posts to tell the new hashtags from, at most", minimum=1
    )
    steps: int = option(300, help="steps of learning", minimum=0)
    learning_rate: float = option(0.05, help="of the first step; it falls to 0", minimum=1e-12)
    seed: int = option(0, help="of everything drawn", minimum=0)
