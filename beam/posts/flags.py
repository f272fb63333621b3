"""The flags that all commands over posts have. Reading them imports neither Beam nor TensorFlow."""

import dataclasses

from beam.posts.identities import ID_KEY_VARIABLE
from tagkeras.cli.commandline import option

AUTO = "auto"
FORMATS = ("jsonl", "parquet", "yfcc100m", "yfcc100m_hash")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostsConfig:
    """The options that say how posts are read."""

    input: str = option(
        help="files of posts: a path, URI or quoted glob of .jsonl, .jsonl.gz, .parquet"
    )
    input_format: str = option(
        AUTO,
        help="of the input files; auto goes by their suffix; yfcc100m reads YFCC100M's metadata,"
        " images named as in the download URLs; yfcc100m_hash too, images named by hash"
        " (docs/inputs.md)",
        choices=(AUTO, *FORMATS),
    )
    image_root: str | None = option(
        None, help="folder or URI that image paths are relative to; by default their file's folder"
    )
    id_key_file: str | None = option(
        None, help=f"file with the secret key of ids; else ${ID_KEY_VARIABLE}, else a random one"
    )
    post_ids: str = option("keep", help="hash hides post ids as well", choices=("keep", "hash"))
    max_rejected_fraction: float = option(
        1.0, help="fail if a larger part of the posts is rejected", minimum=0, maximum=1
    )
    large_model: bool = option(
        False, help="keep one model for all worker processes of a host, not one in each"
    )
