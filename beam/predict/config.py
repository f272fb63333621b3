"""The flags of `beam.predict`, checked."""

import dataclasses

from beam.posts.flags import PostsConfig
from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError

HASHTAGS, IMAGE_EMBEDDING, USER_EMBEDDING = "hashtags", "image_embedding", "user_embedding"
OUTPUTS = (HASHTAGS, IMAGE_EMBEDDING, USER_EMBEDDING)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(PostsConfig):
    """The options of this command."""

    model: str = option(help="SavedModel folder or URI: a version that tagkeras.export wrote")
    output: str = option(help="folder to write; predictions there are replaced at the end")
    outputs: tuple[str, ...] = option(
        (HASHTAGS,), help=f"what to predict: one or more of {', '.join(OUTPUTS)}"
    )
    num_shards: int | None = option(
        None, help="files of predictions; by default chosen by size", minimum=1
    )

    def __post_init__(self) -> None:
        for output in self.outputs:
            if output not in OUTPUTS:
                raise UserError(f"--outputs: {output!r} is none of {', '.join(OUTPUTS)}")
        if not self.outputs or len(set(self.outputs)) < len(self.outputs):
            raise UserError("--outputs names nothing, or one twice")
