"""The flags of `beam.predict`, checked."""

import dataclasses

from beam.posts import flags
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError

HASHTAGS, IMAGE_EMBEDDING, USER_EMBEDDING = "hashtags", "image_embedding", "user_embedding"
OUTPUTS = (HASHTAGS, IMAGE_EMBEDDING, USER_EMBEDDING)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    model: str = option(help="SavedModel folder or URI: a version that tagkeras.export wrote")
    input: str = flags.INPUT
    output: str = option(help="folder to write; predictions there are replaced at the end")
    input_format: str = flags.INPUT_FORMAT
    image_root: str | None = flags.IMAGE_ROOT
    outputs: tuple[str, ...] = option(
        (HASHTAGS,), help=f"what to predict: one or more of {', '.join(OUTPUTS)}"
    )
    id_key_file: str | None = flags.ID_KEY_FILE
    post_ids: str = flags.POST_IDS
    max_rejected_fraction: float = flags.MAX_REJECTED_FRACTION
    large_model: bool = flags.LARGE_MODEL
    num_shards: int | None = option(
        None, help="files of predictions; by default chosen by size", minimum=1
    )

    def __post_init__(self) -> None:
        for output in self.outputs:
            if output not in OUTPUTS:
                raise UserError(f"--outputs: {output!r} is none of {', '.join(OUTPUTS)}")
        if not self.outputs or len(set(self.outputs)) < len(self.outputs):
            raise UserError("--outputs names nothing, or one twice")
