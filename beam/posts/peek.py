"""A look at the first rows of the input: what all posts should have."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from beam.posts.files import read_rows
from beam.posts.parse import DESCRIPTOR, IMAGE
from beam.posts.rows import InputFile
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import is_missing

# Files and rows of each that are looked at; all files, until one has a post.
_FILES, _ROWS = 8, 100


@dataclasses.dataclass(frozen=True)
class InputKind:
    """What the posts of an input have.

    Attributes:
        kind: `image` or `descriptor`.
        descriptor_size: n, the length of most ready descriptors; None for images.
        unseen: facts that none of the first posts has.
    """

    kind: str
    descriptor_size: int | None
    unseen: frozenset[str] = frozenset()


def peek(inputs: Sequence[InputFile]) -> InputKind:
    """Looks at the first rows of the first files.

    Raises:
        UserError: there are no rows, none has an image or descriptor, or some have one and some
            the other.
    """
    kinds: dict[str, str] = {}
    lengths: Counter[int] = Counter()
    num_rows, problem = 0, ""
    unseen = {fact.name for file in inputs for fact in file.facts}
    for file in inputs:
        if file.index >= _FILES and kinds:
            break
        for block in islice(read_rows(file, _ROWS), 1):
            num_rows += len(block.rows)
            for number, row in enumerate(block.rows):
                if not isinstance(row, dict):
                    problem = problem or f"; one is refused: {row}"
                    continue
                unseen = {name for name in unseen if is_missing(row.get(name))}
                has_image = not all(is_missing(row.get(f)) for f in ("image", "image_bytes"))
                if has_image == block.has_descriptor(number):
                    continue  # both, or neither
                kinds.setdefault(IMAGE if has_image else DESCRIPTOR, file.path)
                descriptor = None if has_image else block.descriptor(number)
                if isinstance(descriptor, list) and descriptor:
                    lengths[len(descriptor)] += 1
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    name = f"{inputs[0].path}{more}"
    if not num_rows:
        raise UserError(f"{name}: no posts, the input is empty")
    if not kinds:
        raise UserError(
            f"{name}: the first posts have neither image, image_bytes nor descriptor{problem}"
        )
    if len(kinds) > 1:
        raise UserError(
            f"the posts of {kinds[IMAGE]} have images, those of {kinds[DESCRIPTOR]}"
            " descriptors: preprocess them apart"
        )
    if IMAGE in kinds:
        return InputKind(IMAGE, None, frozenset(unseen))
    if not lengths:
        raise UserError(f"{name}: the first descriptors are no lists of numbers")
    return InputKind(DESCRIPTOR, lengths.most_common(1)[0][0], frozenset(unseen))
