"""RunInference over blocks of posts."""

import abc
from collections.abc import Sequence
from typing import Any, TypeVar

from apache_beam.ml.inference.base import ModelHandler

from beam.posts.post_block import PostBlock

ModelT = TypeVar("ModelT")


class BlockHandler(ModelHandler[PostBlock, PostBlock, ModelT], abc.ABC):
    """Asks a model about `PostBlock`s; each block is a batch in itself.

    Args:
        sources: `InputFile.place` of the input files, to name the places of bad images.
        large_model: keep one model per worker host, not one per worker process.
    """

    def __init__(self, sources: Sequence[str], *, large_model: bool) -> None:
        super().__init__(large_model=large_model)
        self._sources = sources

    @abc.abstractmethod
    def ask(self, block: PostBlock, model: ModelT) -> PostBlock:
        """The block with what the model says of its posts."""

    def should_skip_batching(self) -> bool:
        """Blocks are batches already."""
        return True

    def get_num_bytes(self, batch: Sequence[PostBlock]) -> int:
        """The size of a block."""
        return batch.posts.nbytes  # type: ignore[attr-defined]

    def run_inference(
        self,
        batch: Sequence[PostBlock],
        model: ModelT,
        inference_args: dict[str, Any] | None = None,
    ) -> list[PostBlock]:
        """What `ask` gives for a block.

        Args:
            batch: a `PostBlock`, since batching is skipped.
            model: loaded.
            inference_args: none are known.
        """
        del inference_args
        return [self.ask(batch, model)]  # type: ignore[arg-type]
