"""What tells one dataset from another, whatever folder it lies in."""

import dataclasses
import hashlib
import json
from pathlib import Path

from tagkeras.data import vocabulary
from tagkeras.data.manifest import Manifest

_FIELDS = ("descriptor_size", "num_tags", "splits", "user_descriptor", "cnn", "seeds", "fractions")


def fingerprint(dataset: Path, manifest: Manifest) -> str:
    """A hash of a dataset's vocabulary and of what its manifest says of posts and descriptors.

    Args:
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.

    Returns:
        16 hexadecimal digits.
    """
    content = dataclasses.asdict(manifest)
    digest = hashlib.sha256(
        json.dumps([content[name] for name in _FIELDS], sort_keys=True).encode()
    )
    digest.update((dataset / vocabulary.FILE_NAME).read_bytes())
    return digest.hexdigest()[:16]
