"""Users as the model sees them."""

from collections.abc import Sequence

import numpy as np

from tagkeras.data.facts import Facts, to_columns
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import User
from tagkeras.layers import UserDescriptor


def describe_users(users: Sequence[User], manifest: Manifest) -> np.ndarray:
    """User descriptors, float32 [U, m], as those of a dataset's posts were made.

    Args:
        users: U of them.
        manifest: of the dataset: its countries, and how far places are rounded.
    """
    layer = UserDescriptor(Facts.from_dict(manifest.user_descriptor))
    return layer(to_columns(users)).numpy()
