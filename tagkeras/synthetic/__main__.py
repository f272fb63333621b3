"""Makes a small world: photos of users with hashtags, whose true probabilities are known.

    python -m tagkeras.synthetic --output=WORLD --posts=10000

WORLD gets `images/`, `posts.jsonl` for `beam.preprocess`, `concepts.jsonl` for `tagkeras.pretrain`,
`oracle.parquet` for `tagkeras.evaluate`, and `hashtags.tsv`, which says of each hashtag whether it
depends on the image, the user, both or neither. The same seed gives the same world whatever the
number of processes, and a larger world begins with the posts of a smaller one.
"""

import dataclasses
import os
from pathlib import Path

from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.cli.files import written_aside
from tagkeras.synthetic.dataset import (
    write_concepts,
    write_hashtags,
    write_images,
    write_oracles,
    write_posts,
)
from tagkeras.synthetic.posts import draw_posts, draw_varied_pictures
from tagkeras.synthetic.world import World


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    output: str = option(help="folder to write; an earlier world there is replaced")
    posts: int = option(10_000, help="how many posts, each with an image", minimum=1)
    seed: int = option(1, help="of all random choices", minimum=0)
    images_only: bool = option(
        False,
        help="write only images and concepts.jsonl, all concepts about as often: to pretrain on",
    )
    workers: int = option(0, help="processes that draw; 0: one per core", minimum=0)


def main(config: Config) -> None:
    """Writes the world and says what it is."""
    output = Path(config.output)
    _check_output(output)
    world = World()
    if config.images_only:
        posts = []
        pictures = draw_varied_pictures(world, config.posts, config.seed)
    else:
        posts = list(draw_posts(world, config.posts, config.seed))
        pictures = [post.picture for post in posts]
    workers = config.workers or _num_cores()
    try:
        with written_aside(output) as folder:
            folder.mkdir()
            write_images(folder, world, pictures, seed=config.seed, workers=workers)
            write_concepts(folder, world, pictures)
            if not config.images_only:
                write_posts(folder, posts)
                write_hashtags(folder, world)
                write_oracles(folder, world, posts)
    except OSError as error:
        raise UserError(f"--output={output} cannot be written: {error.strerror}") from error
    if config.images_only:
        print(f"wrote {output}: {len(pictures):,} images of {len(world.things)} concepts")
        return
    hashtags = [hashtag for post in posts for hashtag in post.hashtags]
    print(
        f"wrote {output}: {len(posts):,} posts by {len({post.user_id for post in posts}):,} users,"
        f" {len(set(hashtags))} hashtags, {len(hashtags) / len(posts):.2f} a post"
    )


def _check_output(output: Path) -> None:
    """Refuses to replace a folder that is not a world, or a file."""
    if output.is_dir():
        if any(output.iterdir()) and not (output / "concepts.jsonl").is_file():
            raise UserError(f"--output={output} holds something else: name a new folder")
    elif output.exists():
        raise UserError(f"--output={output} is a file: name a new folder")


def _num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    run(main, Config)
