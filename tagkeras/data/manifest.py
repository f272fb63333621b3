"""The manifest of a dataset: what is in it, and how it was made."""

import dataclasses
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from tagkeras.cli import files
from tagkeras.cli.errors import UserError
from tagkeras.data import vocabulary
from tagkeras.data.facts import Fact, FactSchema

FORMAT_VERSION = 1
FILE_NAME = "dataset.json"
SPLITS = ("train", "validation", "test")
DESCRIPTOR_DTYPES = ("float16", "float32")
# What is counted of each split.
SPLIT_COUNTS = ("posts", "shards", "tag_pairs", "tag_pairs_removed", "out_of_vocabulary")

# The fields that tell one dataset from another.
_IDENTITY = (
    "descriptor_size",
    "num_tags",
    "splits",
    "user_descriptor",
    "cnn",
    "seeds",
    "fractions",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """`dataset.json`: sizes, counts and settings of a dataset of `beam.preprocess`.

    Attributes:
        descriptor_size: n, values in an image descriptor.
        descriptor_dtype: `float16` or `float32`, as stored.
        num_tags: Y, lines of `vocabulary.tsv`.
        splits: for `train`, `validation` and `test`, a dict of `posts`, `shards` (files),
            `tag_pairs` ((post, tag) pairs kept), `tag_pairs_removed` (taken off by
            balancing) and `out_of_vocabulary` (pairs with a tag that is not in the vocabulary).
        user_descriptor: what `FactSchema.to_dict` gives, `size` (m) among it; `varies`, for each
            column whether it has more than one value in the training posts; and `seen`, for each
            fact in how many of these it is `known` and, of a category, has a value that was
            `not_kept` and counts as unknown.
        image_decoder: `height`, `width` and how pictures are decoded; None for ready descriptors.
        cnn: name, layer and a hash of the weights; None for ready descriptors.
        distribution: `name` (`natural` or `balanced`) and, if balanced, `target` and the
            histograms of tag counts before and after.
        vocabulary: the limits that it was cut by.
        fractions: of users that `validation` and `test` were asked to have.
        seeds: of the splits and of the balancing.
        privacy: where the key of the ids came from (`ephemeral`: of that run, kept nowhere) and
            what became of ids and places.
        counts: `posts_read`, `posts_written`, `rejected` (posts by reason), `dropped` (posts by
            rule) and `hashtags_refused`; read = written + rejected + dropped.
        input: the files read and what they held.
        versions: of the format's writer and the libraries.
        format_version: of this layout.
    """

    descriptor_size: int
    descriptor_dtype: str
    num_tags: int
    splits: dict[str, dict[str, int]]
    user_descriptor: dict[str, Any]
    image_decoder: dict[str, Any] | None = None
    cnn: dict[str, Any] | None = None
    distribution: dict[str, Any] = dataclasses.field(default_factory=lambda: {"name": "natural"})
    vocabulary: dict[str, Any] = dataclasses.field(default_factory=dict)
    fractions: dict[str, float] = dataclasses.field(default_factory=dict)
    seeds: dict[str, int] = dataclasses.field(default_factory=dict)
    privacy: dict[str, Any] = dataclasses.field(default_factory=dict)
    counts: dict[str, Any] = dataclasses.field(default_factory=dict)
    input: dict[str, Any] = dataclasses.field(default_factory=dict)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @classmethod
    def load(cls, dataset: str | Path) -> "Manifest":
        """Reads the manifest of a dataset folder.

        Raises:
            UserError: there is none, or this version cannot read it.
        """
        path = Path(dataset) / FILE_NAME
        remedy = "run python -m beam.preprocess to make a dataset"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}: {remedy}") from error
        except ValueError as error:
            raise UserError(f"{path} is not JSON: {remedy}") from error
        if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
            version = values.get("format_version") if isinstance(values, dict) else None
            raise UserError(
                f"{path} has format version {version}, this program reads {FORMAT_VERSION}:"
                f" {remedy}"
            )
        fields = dataclasses.fields(cls)
        for field in fields:
            # Of a field that is required, both are MISSING.
            if field.default is field.default_factory and field.name not in values:
                raise UserError(f"{path} has no {field.name!r}: {remedy}")
        return cls(**{field.name: values[field.name] for field in fields if field.name in values})

    @property
    def facts(self) -> FactSchema:
        """The facts that users are described by."""
        return FactSchema.from_dict(self.user_descriptor)

    @property
    def varies(self) -> tuple[bool, ...]:
        """Which columns of a user descriptor have more than one value in the training posts.

        The others say nothing of anybody: models mask them. All do where the dataset does not tell.
        """
        return tuple(self.user_descriptor.get("varies", [True] * self.user_descriptor["size"]))

    @property
    def masked_facts(self) -> tuple[str, ...]:
        """Names of the facts that say nothing, `PLACE` of the coordinates: no column varies."""
        return tuple(
            columns.fact
            for columns in self.facts.columns
            if not any(self.varies[columns.start : columns.stop])
        )

    @property
    def telling_facts(self) -> tuple[Fact, ...]:
        """The facts that are worth asking for: those that are not masked."""
        masked = self.masked_facts
        hidden = {field for c in self.facts.columns if c.fact in masked for field in c.fields}
        return tuple(fact for fact in self.facts.facts if fact.name not in hidden)

    @property
    def telling_values(self) -> dict[str, tuple[str, ...]]:
        """The values that training posts tell apart, of each category that is not masked."""
        values = self.facts.values
        told = {
            c.fact: tuple(itertools.compress(values[c.fact], self.varies[c.start : c.stop]))
            for c in self.facts.columns
            if c.fact in values
        }
        return {name: values for name, values in told.items() if values}

    def save(self, dataset: str | Path) -> None:
        """Writes `dataset.json` to a dataset folder, in one step."""
        files.write_text(Path(dataset) / FILE_NAME, self.to_json())

    def to_json(self) -> str:
        """The text of `dataset.json`."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"


def fingerprint(dataset: Path, manifest: Manifest) -> str:
    """A hash of a dataset's vocabulary and of what its manifest says of posts and descriptors.

    16 hexadecimal digits, the same wherever the dataset lies.
    """
    content = [getattr(manifest, name) for name in _IDENTITY]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    digest.update((dataset / vocabulary.FILE_NAME).read_bytes())
    return digest.hexdigest()[:16]
