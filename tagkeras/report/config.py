"""Options of `tagkeras.report`."""

import dataclasses

from tagkeras.cli.commandline import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    run: str = option(
        help="workdir of tagkeras.train, folder of tagkeras.evaluate or of tagkeras.experiment"
    )
    output: str = option(help="folder to write report.html and figures to")
    compare: tuple[str, ...] = option((), help="more runs, beside --run", positional=True)
    data: str | None = option(
        None, help="dataset to evaluate workdirs on; by default the one each was trained on"
    )
    split: str = option(
        "test", help="posts that runs are evaluated on", choices=("train", "validation", "test")
    )
    oracle: str | None = option(
        None, help="Parquet file of the posts' most probable hashtags, for evaluating workdirs"
    )
    posts: str | None = option(
        None,
        help="file of the posts that the dataset was made from, to show some with their photos",
    )
    image_root: str | None = option(
        None, help="folder that image paths are relative to; by default that of --posts"
    )
    samples: int = option(8, help="photos to show", minimum=0, maximum=100)
    hashtag_kinds: str | None = option(
        None, help="file of hashtag<TAB>kind, such as tagkeras.synthetic writes"
    )
    tags: tuple[str, ...] = option(
        (), help="hashtags to draw curves of; by default those that the runs differ most on"
    )
    map_users: int = option(2000, help="users on the map, at most", minimum=5, maximum=100_000)
    title: str = option("Hashtags by photo and person", help="of the page")
