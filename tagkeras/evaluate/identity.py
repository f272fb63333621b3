"""What tells one evaluation from another: the weights, the oracle and the options that it is of."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from tagkeras.train.workdir import Workdir


def weights_fingerprint(workdir: Workdir) -> str:
    """A hash of the best epoch's weights: of the index of its checkpoint, which has their CRCs.

    Returns:
        16 hexadecimal digits.
    """
    return _hash(workdir.best / "model.index")[:16]


def identity_of(workdir: Workdir, oracle: str | None) -> dict[str, str | None]:
    """What an evaluation is of, but for the posts: `weights`, and SHA-256 of the `oracle` file."""
    return {
        "weights": weights_fingerprint(workdir),
        "oracle": None if oracle is None else _hash(Path(oracle)),
    }


def options_given(config: Any, left_out: frozenset[str]) -> dict[str, Any]:
    """The options of a command's config that are not at their defaults, by name.

    Args:
        config: dataclass of `option`s.
        left_out: names that are of no interest.
    """
    values = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name not in left_out and getattr(config, field.name) != field.default
    }
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
