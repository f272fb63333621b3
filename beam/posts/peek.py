"""A look at the first rows of the input: what all posts should have."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from beam.posts.descriptor_column import descriptor_of, has_descriptor
from beam.posts.files import read_rows
from beam.posts.parse import DESCRIPTOR, find_kind
from beam.posts.rows import InputFile, RowBlock
from tagkeras.cli.errors import UserError

# Files and rows of each that are looked at; all files, until one has a post.
_FILES, _ROWS = 8, 100


@dataclasses.dataclass(frozen=True)
class InputKind:
    """What the posts of an input have.

    Attributes:
        kind: `image` or `descriptor`.
        descriptor_size: n, the length of most ready descriptors; None for images.
    """

    kind: str
    descriptor_size: int | None


def peek(inputs: Sequence[InputFile]) -> InputKind:
    """Looks at the first rows of the first files.

    Raises:
        UserError: there are no rows, none has an image or descriptor, or some have one and some
            the other.
    """
    kinds: dict[str, str] = {}
    lengths: Counter[int] = Counter()
    num_rows, problem = 0, ""
    for file in inputs:
        if file.index >= _FILES and kinds:
            break
        for block in islice(read_rows(file, _ROWS), 1):
            num_rows += len(block.rows)
            for number, row in enumerate(block.rows):
                if not (problem or isinstance(row, dict)):
                    problem = f"; one is refused: {row}"
                described = has_descriptor(block, number)
                kind = find_kind(row, described)
                if kind is not None:
                    kinds.setdefault(kind, file.path)
                if kind == DESCRIPTOR:
                    lengths.update(_length(block, number))
    if not num_rows:
        raise UserError(f"{_name(inputs)}: no posts, the input is empty")
    if not kinds:
        raise UserError(
            f"{_name(inputs)}: the first posts have neither image, image_bytes nor descriptor"
            f"{problem}"
        )
    if len(kinds) > 1:
        raise UserError(
            f"the posts of {kinds['image']} have images, those of {kinds['descriptor']}"
            " descriptors: preprocess them apart"
        )
    (kind,) = kinds
    if kind != DESCRIPTOR:
        return InputKind(kind, None)
    if not lengths:
        raise UserError(f"{_name(inputs)}: the first descriptors are no lists of numbers")
    return InputKind(kind, lengths.most_common(1)[0][0])


def _length(block: RowBlock, number: int) -> list[int]:
    value = descriptor_of(block, number)
    return [len(value)] if isinstance(value, list) and value else []


def _name(inputs: Sequence[InputFile]) -> str:
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    return f"{inputs[0].path}{more}"
