"""The folder that the passes of a run share."""

import dataclasses
import json
from pathlib import Path

import numpy as np

from beam.running import storage
from beam.staging.stage_blocks import StagedBlock


@dataclasses.dataclass(frozen=True)
class StagingFolder:
    """The files that passes leave in a folder that launcher and workers see.

    Attributes:
        path: of the folder, local or a URI.
    """

    path: str

    @property
    def blocks(self) -> str:
        """The folder of staged blocks."""
        return storage.join(self.path, "blocks")

    @property
    def block_list(self) -> str:
        """What is known of all staged blocks."""
        return storage.join(self.path, "blocks.json")

    @property
    def duplicates(self) -> str:
        """Sorted row keys of posts whose id came before."""
        return storage.join(self.path, "duplicates.npy")

    @property
    def vocabulary(self) -> str:
        """The vocabulary, of a dataset."""
        return storage.join(self.path, "vocabulary.tsv")

    @property
    def summary(self) -> str:
        """What the last pass wrote."""
        return storage.join(self.path, "summary.json")

    def save_blocks(self, blocks: list[StagedBlock]) -> None:
        """Writes `block_list`."""
        storage.write_text(self.block_list, json.dumps([vars(block) for block in blocks]))

    def load_blocks(self) -> list[StagedBlock]:
        """What `save_blocks` wrote, in the order of the input."""
        blocks = json.loads(storage.read_text(self.block_list))
        return sorted((StagedBlock(**block) for block in blocks), key=lambda block: block.name)

    def save_duplicates(self, arrays: list[np.ndarray]) -> None:
        """Writes `duplicates`."""
        with storage.writing(self.duplicates) as local, local.open("wb") as stream:
            np.save(stream, np.sort(np.concatenate([np.zeros(0, np.int64), *arrays])))

    def load_duplicates(self) -> np.ndarray:
        """What `save_duplicates` wrote."""
        with storage.reading(self.duplicates) as local:
            return np.load(local)

    def count_staged(self) -> int:
        """Posts read in the blocks that are staged by now."""
        found = storage.match(storage.join(self.blocks, "*.arrow"))
        # The name of a block ends with the number of its rows.
        return sum(int(Path(file.path).stem.rpartition("-")[2]) for file in found)
