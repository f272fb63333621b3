"""Gives a trained model hashtags that it does not know, of a few example posts each.

    python -m tagkeras.add_tags --workdir=RUN --data=DATASET --posts=FILE --output=NEW_RUN

Only rows for the new tags are learned, in seconds: the embedding and the rows of all other tags
stay as they are, bit for bit. NEW_RUN is a workdir that `tagkeras.evaluate` and `tagkeras.export`
take in place of RUN.
"""

import dataclasses
from pathlib import Path

from tagkeras.add_tags.embedded_posts import EmbeddedPosts, embed_background, embed_examples
from tagkeras.add_tags.grown_workdir import write_grown_workdir
from tagkeras.add_tags.new_tags import choose_new_tags
from tagkeras.add_tags.row_learner import Learning, learn_rows
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import Manifest
from tagkeras.data.posts_file import read_posts
from tagkeras.train.restore import restore_model
from tagkeras.train.settings import Settings
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch gets the tags")
    data: str = option(help="dataset folder of the run; its descriptor model describes images")
    posts: str = option(help="example posts: .jsonl, .jsonl.gz or .parquet, as beam.preprocess's")
    output: str = option(help="folder of the new workdir; it must not exist")
    tags: tuple[str, ...] | None = option(
        None, help="hashtags to add; by default all that the model does not know"
    )
    min_posts: int = option(3, help="least number of posts to learn a hashtag of", minimum=1)
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


def add_tags(config: Config) -> dict[str, int]:
    """Learns the rows, writes the new workdir, and returns the new tags and their examples.

    Raises:
        UserError: no checkpoint, another dataset, posts that cannot be used, tags that cannot be
            added, or an output that exists; nothing was written.
    """
    workdir, dataset, output = Workdir(config.workdir), Path(config.data), Path(config.output)
    if output.exists():
        raise UserError(f"--output={output} exists: name a new folder")
    workdir.config()  # raises where no run was started
    workdir.best_epoch()  # and where none of its epochs was finished
    workdir.check_dataset(dataset)
    path = Path(config.posts)
    posts, vocabulary = read_posts(path), workdir.vocabulary()
    new_tags = choose_new_tags(
        [post.post.hashtags for post in posts],
        vocabulary,
        wanted=config.tags,
        min_posts=config.min_posts,
        path=path,
    )
    ids = {**vocabulary.ids, **{tag: len(vocabulary) + i for i, tag in enumerate(new_tags)}}
    tags = [[ids[tag] for tag in post.post.hashtags if tag in ids] for post in posts]
    used = [number for number, ids_of_post in enumerate(tags) if ids_of_post]

    model, manifest = restore_model(workdir), Manifest.load(dataset)
    phi = embed_examples(
        path,
        [posts[number] for number in used],
        dataset=dataset,
        manifest=manifest,
        model=model,
        image_root=path.parent if config.image_root is None else Path(config.image_root),
    )
    background = embed_background(dataset, manifest, model, config.background_posts)
    settings = Settings.of(workdir.config())
    learning = Learning(
        share=config.share,
        steps=config.steps,
        learning_rate=config.learning_rate,
        margin=settings.margin,
        max_norm=settings.max_norm or None,
        seed=config.seed,
    )
    rows = learn_rows(
        model.tag_table.numpy(),
        len(new_tags),
        EmbeddedPosts(phi, [tags[number] for number in used]),
        background,
        learning,
    )
    how = {"workdir": config.workdir, "posts": config.posts, **dataclasses.asdict(learning)}
    write_grown_workdir(workdir, output, new_tags, rows, how)
    if len(used) < len(posts):
        print(f"{len(posts) - len(used)} of {len(posts)} posts have none of the tags: not used")
    return new_tags


def main(config: Config) -> None:
    """Adds the tags and says which."""
    new_tags = add_tags(config)
    print(f"wrote {config.output}: {len(new_tags)} new hashtags, of so many posts each:")
    print(", ".join(f"{tag} {count}" for tag, count in new_tags.items()))


if __name__ == "__main__":
    run(main, Config)
