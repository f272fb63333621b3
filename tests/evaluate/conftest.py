import types

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluated_runs import start_run
from evaluation_helpers import KS, NUM_TAGS, evaluation, read_posts
from tiny_dataset import write_dataset

from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate import evaluate
from tagkeras.evaluate.evaluation import Evaluation

# Users of each country in a split: most have several posts.
PEOPLE = 8


def write_oracle(path, posts, tags):
    """Lists that begin with the truth, and lists that begin with a stranger and end with it."""
    rng, lists = np.random.default_rng(0), []
    for post in posts:
        others = [tag for tag in rng.permutation(NUM_TAGS).tolist() if tag not in post.truth]
        lists.append([*sorted(post.truth), *others][: max(KS)])
    columns = {
        "post_id": [post.post_id for post in posts],
        "hashtags": [[tags[tag] for tag in ids] for ids in lists],
        "user_hashtags": [["stranger", *(tags[tag] for tag in ids[::-1])] for ids in lists],
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """A dataset of people, some tags taken off, a short run on it, and all that evaluate tells."""
    folder = tmp_path_factory.mktemp("evaluate")
    dataset = write_dataset(
        folder / "dataset", posts=500, num_tags=NUM_TAGS, people=PEOPLE, removed=0.2, test=150
    )
    # Rankings that are no good, and not by chance alone.
    workdir = start_run(dataset, folder / "run", epochs=1, rank=4, embedding_dim=4)
    posts, tags = read_posts(dataset, "test"), Vocabulary.load(dataset / "vocabulary.tsv").tags
    config = evaluation(
        workdir,
        dataset,
        folder / "eval",
        ks=",".join(map(str, KS)),
        top_k=8,
        curve_tags=12,
        tags=f"{tags[15]},{tags[3]},{tags[19]}",
        age_groups="18,25,65",
        bootstrap_samples=100,
        oracle=write_oracle(folder / "oracle.parquet", posts, tags),
    )
    return types.SimpleNamespace(
        folder=folder,
        dataset=dataset,
        workdir=workdir,
        posts=posts,
        tags=tags,
        config=config,
        metrics=evaluate.evaluate(config),
        evaluation=Evaluation.load(folder / "eval"),
    )
