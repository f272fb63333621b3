"""Small models with weights of one's own, and the users of tests."""

import numpy as np
from numpy_embeddings import make_embedding

from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.explain.counterfactuals import describe_users
from tagkeras.models import HashtagModel

COUNTRIES = ("US", "GB", "CA", "AU", "NZ")
M = 5 + len(COUNTRIES)


def make_manifest(n, num_tags):
    return Manifest(
        descriptor_size=n,
        descriptor_dtype="float32",
        num_tags=num_tags,
        splits={},
        user_descriptor={"countries": list(COUNTRIES), "location_decimals": 1, "size": M},
    )


def make_vocabulary(*tags):
    return Vocabulary(tags, np.arange(len(tags), 0, -1))


def make_model(name, num_tags, n, *, d=4, rank=9, user_hidden=6, seed=0):
    embedding = make_embedding(
        name,
        embedding_dim=d,
        seed=seed,
        initial_stddev=0.6,
        rank=rank,
        user_hidden=user_hidden,
    )
    model = HashtagModel(embedding, num_tags, initial_stddev=0.6, seed=seed)
    model.build({"descriptor": (None, n), "user_descriptor": (None, M)})
    return model


def descriptors_against_unknown(user, manifest):
    """u and u0, float64."""
    return describe_users([user, UNKNOWN_USER], manifest).astype(np.float64)
