"""The command `tagkeras.add_tags`: from a run and example posts to a workdir with more tags."""

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tagkeras.add_tags.config import Config
from tagkeras.add_tags.embedded_posts import (
    EmbeddedPosts,
    describe_users,
    embed_background,
    embed_examples,
)
from tagkeras.add_tags.learn_rows import learn_rows
from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data import hashtags
from tagkeras.data.manifest import Manifest
from tagkeras.data.posts_file import read_posts
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model, restore_model, weights_checkpoint
from tagkeras.train.warm_start import WarmStart, find_state, save_state
from tagkeras.train.workdir import Workdir

# Of the hinge. A wider one, as training has, keeps a new tag from being among the first of its own
# photos: it has to stay below the tags of all others by as much.
MARGIN = 0.1


def add_tags(config: Config) -> dict[str, int]:
    """Learns the rows, writes the new workdir, and returns the new tags and their examples.

    Raises:
        UserError: no checkpoint, another dataset, posts that cannot be used, tags that cannot be
            added, or an output that exists; nothing was written.
    """
    workdir, dataset, output = Workdir(config.workdir), Path(config.data), Path(config.output)
    if output.exists():
        raise UserError(f"--output={output} exists: name a new folder")
    settings = Settings.of(workdir.config())
    workdir.best_epoch()  # raises without one
    workdir.check_dataset(dataset)
    path = Path(config.posts)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    posts = read_posts(path, facts=manifest.facts.facts)
    new_tags = _choose_new_tags(config, [post.post.hashtags for post in posts], vocabulary)
    ids = {tag: number for number, tag in enumerate((*vocabulary.tags, *new_tags))}
    used = [post for post in posts if any(tag in ids for tag in post.post.hashtags)]
    tags = [[ids[tag] for tag in post.post.hashtags if tag in ids] for post in used]

    model = restore_model(workdir)
    background, people = embed_background(
        dataset,
        manifest,
        model,
        config.background_posts,
        describe_users(used, manifest),
        config.seed,
    )
    phi = embed_examples(
        path,
        used,
        dataset=dataset,
        manifest=manifest,
        model=model,
        image_root=path.parent if config.image_root is None else Path(config.image_root),
        people=people,
        seed=config.seed,
    )
    learning: dict[str, Any] = {
        "share": config.share,
        "steps": config.steps,
        "learning_rate": config.learning_rate,
        "margin": MARGIN,
        "max_norm": settings.max_norm or None,
        "seed": config.seed,
    }
    rows = learn_rows(
        model.tag_table.numpy(),
        len(new_tags),
        EmbeddedPosts(np.concatenate(phi), len(phi) * tags),
        # Examples are posts without the other new tags, as background posts are.
        EmbeddedPosts(np.concatenate([phi[0], background.phi]), tags + background.tags),
        **learning,
    )
    origin = {"workdir": config.workdir, "posts": config.posts, **learning}
    _write_workdir(workdir, output, new_tags, rows, origin)
    if len(used) < len(posts):
        print(f"{len(posts) - len(used)} of {len(posts)} posts have none of the tags: not used")
    return new_tags


def main(config: Config) -> None:
    """Adds the tags and says which."""
    new_tags = add_tags(config)
    print(f"wrote {config.output}: {len(new_tags)} new hashtags, with so many posts each:")
    print(", ".join(f"{tag} {count}" for tag, count in new_tags.items()))


def _choose_new_tags(
    config: Config, posts: Iterable[Sequence[str]], vocabulary: Vocabulary
) -> dict[str, int]:
    """The tags to add and how many of the posts have each, most frequent first, ties by name.

    Raises:
        UserError: there is nothing to add, or a wanted tag is none, is known, or has too few posts.
    """
    path, min_posts = config.posts, config.min_posts
    counts = Counter(tag for tags in posts for tag in tags if tag not in vocabulary.ids)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if config.tags is None:
        new = {tag: count for tag, count in ranked if count >= min_posts}
        if not counts:
            raise UserError(f"{path}: no hashtag that the model does not know already")
        if not new:
            tag, count = ranked[0]
            raise UserError(
                f"{path}: no new hashtag that {min_posts} posts have: the most frequent, {tag}, has"
                f" {count}; give more posts or lower --min_posts"
            )
        return new
    if not config.tags:
        raise UserError("--tags names no hashtag: name some, or leave it out")
    names = set()
    for name in config.tags:
        tag = hashtags.normalize(name)
        if not tag:
            raise UserError(f"--tags: {name!r} is no hashtag")
        if tag in vocabulary.ids:
            raise UserError(f"--tags={tag}: the model knows it already")
        if counts[tag] < min_posts:
            raise UserError(
                f"--tags={tag}: {counts[tag]} posts of {path} have it, --min_posts={min_posts}"
                " are needed"
            )
        names.add(tag)
    return {tag: count for tag, count in ranked if tag in names}


def _write_workdir(
    run: Workdir,
    output: Path,
    new_tags: Mapping[str, int],
    rows: np.ndarray,
    origin: dict[str, Any],
) -> None:
    """Writes a workdir that knows new tags as well; complete, or not at all.

    Known tags keep their ids, and all weights their bits. In `vocabulary.tsv` the new tags stand at
    the end with a count of 0, which is how many training posts of the dataset are counted for them;
    how many examples each has is in `added_tags.json`, which marks such a workdir. Instead of
    checkpoints it has the optimizers' state, for a run to start warm from.
    """
    settings, manifest, known = Settings.of(run.config()), run.manifest(), run.vocabulary()
    manifest = dataclasses.replace(manifest, num_tags=len(known) + len(new_tags))
    counts = np.concatenate([known.counts, np.zeros(len(new_tags), np.int64)])
    vocabulary = Vocabulary((*known.tags, *new_tags), counts)
    model = make_model(settings, manifest, precision=settings.precision)
    compile_model(model, settings)
    WarmStart(run, settings, manifest, vocabulary).apply(model)
    ids = tf.range(len(known), len(vocabulary))
    model.tag_table.value.scatter_update(tf.IndexedSlices(tf.constant(rows), ids))
    before = run.added_tags() or {"num_tags_trained": len(known), "added": []}
    entry = {**origin, "tags": dict(new_tags)}
    added = {**before, "added": [*before["added"], entry]}
    with files.folder_written_aside(output) as aside:
        for path in (run.path / "config.json", run.best / "epoch.json"):
            copy = aside / path.relative_to(run.path)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)
        manifest.save(aside)
        vocabulary.save(aside / "vocabulary.tsv")
        weights_checkpoint(model).write(str(aside / "best" / "model"))
        if find_state(run) is not None:
            save_state(model, aside)
        files.write_text(aside / "added_tags.json", json.dumps(added, indent=2) + "\n")
