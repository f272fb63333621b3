"""The hashtags that a model knows, most frequent first."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tagkeras.cli import files
from tagkeras.cli.errors import UserError

FILE_NAME = "vocabulary.tsv"


@dataclasses.dataclass(frozen=True, eq=False)
class Vocabulary:
    """Hashtags and how many training posts have each; a tag's place is its id.

    On disk a text file, UTF-8, of lines `tag<TAB>count`; line number - 1 is the id.

    Attributes:
        tags: normalised hashtags, most frequent first, ties in alphabetical order.
        counts: int64 [Y], training posts with each tag.
    """

    tags: tuple[str, ...]
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.tags)

    @functools.cached_property
    def ids(self) -> dict[str, int]:
        """From hashtag to id."""
        return {tag: tag_id for tag_id, tag in enumerate(self.tags)}

    @classmethod
    def from_counts(cls, counts: dict[str, int], max_tags: int | None = None) -> "Vocabulary":
        """The `max_tags` most frequent of `counts`, in order."""
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:max_tags]
        return cls(
            tuple(tag for tag, _ in ranked),
            np.fromiter((count for _, count in ranked), np.int64, len(ranked)),
        )

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Reads `vocabulary.tsv`.

        Raises:
            UserError: no such file, or a line that does not fit, with its number.
        """
        try:
            text = Path(path).read_bytes().decode("utf-8")
        except OSError as error:
            raise UserError(
                f"{path}: cannot read the vocabulary ({error.strerror}):"
                " name a dataset folder that python -m beam.preprocess wrote"
            ) from error
        except UnicodeDecodeError as error:
            number = error.object[: error.start].count(b"\n") + 1
            raise UserError(f"{path}, line {number}: not UTF-8") from error
        ids: dict[str, int] = {}
        counts = []
        for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
            tag, tab, count = line.rpartition("\t")
            if not tag or not tab or not (count.isascii() and count.isdigit()):
                raise UserError(f"{path}, line {number}: not a tag, a tab and a count")
            if tag in ids:
                raise UserError(f"{path}, line {number}: the tag of line {ids[tag] + 1} again")
            ids[tag] = len(ids)
            counts.append(int(count))
            if len(counts) > 1 and counts[-1] > counts[-2]:
                raise UserError(f"{path}, line {number}: a higher count than the line before")
        return cls(tuple(ids), np.array(counts, np.int64))

    def keep(self, ids: Sequence[int]) -> "Vocabulary":
        """The hashtags of some ids, in the order of these, which are their ids from then on."""
        return Vocabulary(tuple(self.tags[tag_id] for tag_id in ids), self.counts[list(ids)])

    def save(self, path: str | Path) -> None:
        """Writes `vocabulary.tsv` in one step."""
        lines = [f"{tag}\t{count}\n" for tag, count in zip(self.tags, self.counts, strict=True)]
        files.write_text(path, "".join(lines))
