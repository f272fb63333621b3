"""Specifications, evaluations and statistics made by hand."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from handmade_evaluations import make_posts, write_evaluation

from tagkeras.data.manifest import Manifest
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.experiment.results import DatasetResults
from tagkeras.experiment.spec import Configuration

SIZES = {
    "bilinear": Configuration("bilinear", 8),
    "user_biased": Configuration("user_biased", 8),
    "multiplicative": Configuration("multiplicative", 8, 4),
}


def write_manifest(path, *, num_tags=4, test=10, distribution="natural"):
    """A dataset as far as an experiment itself looks at it."""
    path.mkdir(parents=True)
    Vocabulary(tuple(f"tag{i}" for i in range(num_tags)), np.arange(num_tags, 0, -1)).save(
        path / "vocabulary.tsv"
    )
    splits = {
        name: {"posts": posts, "shards": 1, "tag_pairs": posts}
        for name, posts in (("train", 20), ("validation", 5), ("test", test))
    }
    Manifest(
        descriptor_size=3,
        descriptor_dtype="float16",
        num_tags=num_tags,
        splits=splits,
        user_descriptor={},
        distribution={"name": distribution},
    ).save(path)
    return path


def write_spec(path, datasets, **sections):
    """A specification of one small bilinear model, unless told otherwise.

    `datasets` are folders, or all that is said of a dataset, by name.
    """
    content = {
        "datasets": {
            name: given if isinstance(given, dict) else {"path": str(given)}
            for name, given in datasets.items()
        },
        "grid": [{"model": "bilinear", "embedding_dim": [8]}],
        "seeds": [0],
        **sections,
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def write_run(
    folder, hits, *, users, baselines=None, tags=None, fingerprint="f", distribution="natural"
):
    """A folder of tagkeras.evaluate, as far as an experiment reads it.

    `hits` and `baselines` are bool [N, 2]; `tags` lists (tag, posts that have it, posts of them
    that it was predicted for).
    """
    posts = make_posts(hits, users=users, hits=baselines or {})
    names = [f"{letter}@{k}" for letter in "PRA" for k in (1, 2)]
    intervals = {ranking: {name: [0.4, 0.6] for name in names} for ranking in posts.hits}
    intervals["model"] |= {"coverage@2": [0.4, 0.6], "entropy@2": [0.9, 1.1]}
    write_evaluation(
        folder,
        posts,
        **dict.fromkeys((*names, "coverage@2"), 0.5),
        **{"entropy@2": 1.0},
        **{ranking: dict.fromkeys(names, 0.25) for ranking in baselines or {}},
        dataset={"path": "d", "fingerprint": fingerprint, "distribution": distribution},
        ks=[1, 2],
        workdir=str(folder),
        intervals=intervals,
    )
    names, truth, found = map(list, zip(*(tags or [("tag0", len(hits), 1)]), strict=True))
    columns = {"id": range(len(names)), "tag": names, "truth": truth, "hits@2": found}
    pq.write_table(pa.table(columns), folder / "tags.parquet")


def spread(value, width, samples=1001):
    """A statistic whose 95% interval is value +- width: an even spread of resamples."""
    return np.append(value, value + np.linspace(-1, 1, samples) * width / 0.95)


def make_results(models, *, name="natural", distribution=None, width=0.01, **options):
    """Results with the same value of R@10, P@1 and A@10 in each model and size.

    `models` are values by `Configuration` or by the names of `SIZES`; `variety` is added to them.
    """
    variety = options.pop("variety", {})
    given = {
        "seeds": (0, 1),
        "baselines": {},
        "tags": (),
        "tag_posts": np.zeros(0),
        "tag_recalls": {},
        **options,
    }
    return DatasetResults(
        name=name,
        distribution=distribution or name,
        num_posts=100,
        num_users=10,
        ks=(1, 10),
        models={
            SIZES.get(key, key): {
                **{metric: spread(value, width) for metric in ("P@1", "R@10", "A@10")},
                **variety.get(key, {}),
            }
            for key, value in models.items()
        },
        **given,
    )
