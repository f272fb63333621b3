"""New hashtags for a trained model: what they are worth, what stays, and what is refused."""

import shutil
import types

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_world import (
    COUNTRIES,
    HELD_OUT,
    add_tags_config,
    describe_users,
    draw_posts,
    run_training,
    write_dataset,
    write_lines,
)
from training_runs import make_config, parse_flags

from tagkeras.add_tags import add_tags
from tagkeras.cli.errors import UserError
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate import evaluate
from tagkeras.export import export
from tagkeras.train import train
from tagkeras.train.config import Settings
from tagkeras.train.model import compile_model, make_model, restore_model
from tagkeras.train.warm_start import WarmStart
from tagkeras.train.workdir import Workdir

K = 3


@pytest.fixture(scope="module")
def grown(world):
    output = world.folder / "grown"
    assert add_tags.add_tags(add_tags_config(world, output)) == {HELD_OUT: 20}
    return Workdir(output)


def recalls(world, workdir):
    """R@3 of the held-out tag (None if unknown), and the mean over posts of that of the others."""
    model, ids = restore_model(workdir), workdir.vocabulary().ids
    (batch,) = data_input.read_split(world.part, Manifest.load(world.part), "test", 1000)
    _, top = model.top_k(model(batch), K)
    new, others = [], []
    for post, best in zip(world.splits["test"], top.numpy().tolist(), strict=True):
        if HELD_OUT in post["hashtags"]:
            new.append(ids.get(HELD_OUT) in best)
        truth = [ids[tag] for tag in post["hashtags"] if tag != HELD_OUT]
        others.append(len(set(truth) & set(best)) / len(truth))
    return float(np.mean(new)), float(np.mean(others))


def share_of_strangers(world, workdir):
    """The share of posts of other concepts that are answered with the held-out tag."""
    model, tag_id = restore_model(workdir), workdir.vocabulary().ids[HELD_OUT]
    (batch,) = data_input.read_split(world.part, Manifest.load(world.part), "test", 1000)
    _, top = model.top_k(model(batch), K)
    others = [not post["hashtags"][0].startswith("concept3") for post in world.splits["test"]]
    return np.mean((top.numpy() == tag_id).any(axis=1)[others])


def test_learns_a_tag_from_twenty_posts_and_spares_the_others(world, grown, tmp_path):
    new, others = recalls(world, grown)
    _, before = recalls(world, world.run)
    from_the_start, _ = recalls(world, world.whole_run)
    assert from_the_start > 0.95
    assert new > 0.7  # by chance, 3 of 42
    assert others > before - 0.01
    assert share_of_strangers(world, grown) < 0.02
    # It ranks as if one post of a hundred had it. As many have it as do:
    add_tags.add_tags(add_tags_config(world, tmp_path / "out", share=0.07))
    new, others = recalls(world, Workdir(tmp_path / "out"))
    assert new > from_the_start - 0.05
    assert others > before - 0.02


@pytest.fixture(scope="module")
def local_world(tmp_path_factory):
    """Hashtags of photo and country together, but for the held-out one, and examples of it."""
    folder, rng = tmp_path_factory.mktemp("local"), np.random.default_rng(0)
    sizes = {"train": 3000, "validation": 100, "test": 300}
    splits = {split: draw_posts(rng, size, split, True) for split, size in sizes.items()}
    part = write_dataset(folder / "part", splits, held_out=(HELD_OUT,))
    examples = [p for p in draw_posts(rng, 2000, "new", True) if HELD_OUT in p["hashtags"]]
    options = {"model": "user_biased", "epochs": 15, "embedding_dim": 16}
    return types.SimpleNamespace(
        folder=folder,
        part=part,
        splits=splits,
        posts=write_lines(folder / "examples.jsonl", [{**p, "country": ""} for p in examples[:25]]),
        run=run_training(part, folder / "run", **options),
    )


def test_examples_that_do_not_tell_the_country_serve_those_who_do(local_world, tmp_path):
    """Half of the photos of the concept have the hashtag, wherever they were taken."""
    world, workdir = local_world, Workdir(tmp_path / "out")
    add_tags.add_tags(add_tags_config(world, workdir.path, tags=HELD_OUT, share=0.03))
    model, tag_id = restore_model(workdir), workdir.vocabulary().ids[HELD_OUT]
    posts = [p for p in world.splits["test"] if p["hashtags"][0].startswith("concept3tag")]
    for country in (None, *COUNTRIES):
        users = describe_users([{"country": country}] * len(posts))
        descriptor = np.array([post["descriptor"] for post in posts], np.float32)
        _, top = model.top_k(model({"descriptor": descriptor, "user_descriptor": users}), K)
        assert (top.numpy() == tag_id).any(axis=1).mean() > 0.8, country


def test_known_weights_keep_their_bits(world, grown):
    before, after = restore_model(world.run), restore_model(grown)
    for old, new in zip(before.embedding.weights, after.embedding.weights, strict=True):
        np.testing.assert_array_equal(old, new)
    table = after.tag_table.numpy()
    np.testing.assert_array_equal(before.tag_table, table[:-1])
    assert 0 < np.linalg.norm(table[-1]) < 1 + 1e-6
    assert grown.config() == world.run.config()
    assert grown.best_epoch() == world.run.best_epoch()
    assert {p.name for p in grown.path.iterdir()} == {
        "added_tags.json",
        "best",
        "config.json",
        "dataset.json",
        "optimizers",
        "vocabulary.tsv",
    }


def test_vocabulary_is_appended_to(world, grown):
    before, after = world.run.vocabulary(), grown.vocabulary()
    assert after.tags == (*before.tags, HELD_OUT)
    assert after.counts.tolist() == [*before.counts.tolist(), 0]
    assert grown.manifest().num_tags == len(before) + 1
    added = grown.added_tags()
    assert added["num_tags_trained"] == len(before)
    assert added["added"][0]["tags"] == {HELD_OUT: 20}
    assert added["added"][0]["share"] == 0.01


def test_evaluate_and_export_take_it(world, grown, tmp_path):
    paths = {"workdir": grown.path, "data": world.part}
    metrics = evaluate.evaluate(
        parse_flags(evaluate.Config, **paths, output=tmp_path / "eval", top_k=K)
    )
    # The dataset's posts do not say that they have the tag: where it is right, it counts as wrong.
    assert metrics["R@3"] > metrics["frequency_baseline"]["R@3"] + 0.2
    predictions = pq.read_table(tmp_path / "eval" / "predictions.parquet").to_pylist()
    assert any(HELD_OUT in row["hashtags"] for row in predictions)
    exporting = parse_flags(export.Config, **paths, output=tmp_path / "models")
    assert export.export(exporting).is_dir()


def test_train_does_not_resume_it(world, grown):
    with pytest.raises(UserError, match="made by tagkeras.add_tags and has no checkpoints.*--warm"):
        train.train(make_config(world.part, grown.path))


def test_a_run_starts_warm_from_it(world, grown, tmp_path):
    settings, manifest = Settings.of(grown.config()), Manifest.load(world.whole)
    vocabulary = world.whole_run.vocabulary()
    model = make_model(settings, manifest)
    compile_model(model, settings)
    said = WarmStart(grown, settings, manifest, vocabulary).apply(model)
    assert f"{len(vocabulary)} tags known, 0 new, 0 left behind, with the opt" in said
    expected = restore_model(grown).tag_table.numpy()[-1]
    np.testing.assert_array_equal(model.tag_table.numpy()[vocabulary.ids[HELD_OUT]], expected)


def test_more_tags_may_follow(world, grown, tmp_path):
    posts = [{**p, "hashtags": [*p["hashtags"][:2], "another"]} for p in world.examples[:5]]
    path = write_lines(tmp_path / "more.jsonl", posts)
    again = add_tags_config(world, tmp_path / "more", workdir=grown.path, posts=path)
    assert add_tags.add_tags(again) == {"another": 5}
    workdir = Workdir(tmp_path / "more")
    workdir.check_dataset(world.part)
    assert workdir.vocabulary().tags[-2:] == (HELD_OUT, "another")
    assert [list(time["tags"]) for time in workdir.added_tags()["added"]] == [
        [HELD_OUT],
        ["another"],
    ]
    table = restore_model(workdir).tag_table.numpy()
    np.testing.assert_array_equal(table[:-1], restore_model(grown).tag_table)


def test_says_what_it_wrote_and_what_it_did_not_use(world, tmp_path, capsys):
    unknown = {**world.examples[0], "post_id": "x", "hashtags": ["rare"]}
    path = write_lines(tmp_path / "posts.jsonl", [*world.examples, unknown])
    add_tags.main(add_tags_config(world, tmp_path / "out", posts=path, steps=0))
    assert capsys.readouterr().out == (
        "1 of 21 posts have none of the tags: not used\n"
        f"wrote {tmp_path}/out: 1 new hashtags, with so many posts each:\n{HELD_OUT} 20\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": "nowhere"}, "--tags=nowhere: 0 posts of .* have it, --min_posts=3 are needed"),
        ({"tags": "#InUS"}, "--tags=inus: the model knows it already"),
        ({"min_posts": 21}, f"no new hashtag that 21 posts have: the most.*{HELD_OUT}, has 20"),
        ({"posts": "posts.csv"}, "posts.csv: posts are read from .jsonl, .jsonl.gz, .parquet"),
        ({"output": "/tmp"}, "--output=/tmp exists: name a new folder"),
    ],
)
def test_bad_flags(world, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        add_tags.add_tags(add_tags_config(world, **{"output": tmp_path / "out", **options}))
    assert not list(tmp_path.iterdir())


def test_other_datasets_and_runs_are_refused(world, grown, tmp_path):
    fewer = tmp_path / "fewer"
    shutil.copytree(world.part, fewer)
    lines = (world.part / "vocabulary.tsv").read_text().splitlines(keepends=True)
    (fewer / "vocabulary.tsv").write_text("".join(lines[:-1]))
    shutil.copytree(world.run.path, tmp_path / "run", ignore=shutil.ignore_patterns("best"))
    known = [{**post, "hashtags": ["inus"]} for post in world.examples]
    known = write_lines(tmp_path / "posts.jsonl", known)
    for options, message in (
        ({"data": world.whole}, "has another vocabulary than"),
        ({"data": fewer}, "has another vocabulary than"),
        ({"data": fewer, "workdir": grown.path}, "has another vocabulary than"),
        ({"workdir": tmp_path / "run"}, "has no checkpoint yet"),
        ({"posts": known}, "no hashtag that the model does not know already"),
    ):
        with pytest.raises(UserError, match=message):
            add_tags.add_tags(add_tags_config(world, tmp_path / "out", **options))
    assert not (tmp_path / "out").exists()
