"""Compares two versions of a served model on posts whose hashtags are known.

    python -m serving.compare_versions --server=localhost:8500 --model_name=tags \
        --labels=stable,canary --posts=posts.jsonl --max_drop=0.01

asks both versions about each post, in place of its user, and prints P@1, R@10 and A@10 of each
(docs/metrics.md), the differences with their 95% intervals (bootstrap over users), how often both
agree, what failed, and latencies. If the second version exceeds one of the limits (--max_errors,
--max_drop, --max_slowdown), or no post was answered by both, a line says so, and the exit status is
1: a script does not promote it.
"""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from serving.client.tls_flags import TlsFlags
from serving.releases.release import MAX_VERSION
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError

if TYPE_CHECKING:
    from serving.client.blocking_client import BlockingClient


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(TlsFlags):
    """Flags of the command."""

    server: str = option(
        "localhost:8500",
        help="host:port of the server's gRPC API, or http://host:port (https://) of its REST API",
    )
    model_name: str = option(help="name of the model")
    labels: tuple[str, ...] = option(
        (), help="labels of the two versions, the one to compare with first; stable,canary if none"
    )
    versions: tuple[str, ...] = option((), help="numbers of the two versions, in place of --labels")
    posts: str = option(
        help=".jsonl, .jsonl.gz or .parquet file of posts with an image or descriptor each"
    )
    num_posts: int | None = option(None, help="only so many, from the first on", minimum=1)
    k: int = option(10, help="hashtags of an answer that count", minimum=1, maximum=1000)
    clients: int = option(
        4, help="posts that are asked about at the same time", minimum=1, maximum=256
    )
    max_errors: int = option(0, help="posts that only the second version may fail", minimum=0)
    max_drop: float | None = option(
        None, help="by how much P@1, R@k or A@k may be lower, such as 0.01", minimum=0, maximum=1
    )
    max_slowdown: float | None = option(
        None, help="how many times as long the 95th percentile of latencies may be", minimum=0
    )
    timeout: float = option(30.0, help="seconds to wait for an answer", minimum=0.001)
    json: bool = option(False, help="print JSON in place of a table")


def main(config: Config) -> None:
    """Asks, compares and prints."""
    names = _names(config)
    # These take seconds to import.
    from serving.releases import comparison_output
    from serving.releases.ask_versions import ask, resolve
    from serving.releases.labelled_posts import read_labelled_posts
    from serving.releases.limits import Limits
    from serving.releases.version_comparison import compare_answers

    posts = read_labelled_posts(Path(config.posts), config.num_posts)
    with contextlib.ExitStack() as stack:
        asked = [stack.enter_context(_client(config, name)) for name in names]
        first, second = (
            resolve(client, posts, f"{config.model_name} {name}")
            for client, name in zip(asked, names, strict=True)
        )
        if first is not None and first == second:
            raise UserError(
                f"{names[0]} and {names[1]} are both version {first}: there is nothing to compare"
            )
        # By number: labels may move meanwhile, and REST asks for a label's version each time.
        clients = [
            client
            if version is None
            else stack.enter_context(_client(config, name, pinned=version))
            for client, name, version in zip(asked, names, (first, second), strict=True)
        ]
        answers = ask((clients[0], clients[1]), posts, threads=config.clients)
    found = compare_answers(posts, names, (first, second), answers, config.k)
    if config.json:
        print(comparison_output.to_json(found))
    else:
        comparison_output.print_comparison(found)
    limits = Limits(
        max_errors=config.max_errors, max_drop=config.max_drop, max_slowdown=config.max_slowdown
    )
    if exceeded := list(limits.exceeded(found)):
        raise UserError(f"{names[1]} does not hold: {'; '.join(exceeded)}")


def _names(config: Config) -> tuple[str, str]:
    """The two versions, as they are asked for."""
    if config.versions and config.labels:
        raise UserError("give --labels or --versions, not both")
    if wrong := [version for version in config.versions if not version.isdecimal()]:
        raise UserError(f"--versions takes numbers, got {wrong[0]!r}; --labels takes names")
    # Of too many digits, Python would make no number.
    if large := [v for v in config.versions if len(v) > 19 or int(v) > MAX_VERSION]:
        raise UserError(f"--versions={large[0]} is too large: versions end at {MAX_VERSION}")
    given = config.versions or config.labels or ("stable", "canary")
    if len(given) != 2:
        raise UserError(f"give two versions to compare, not {len(given)}")
    if given[0] == given[1]:
        raise UserError(f"{given[0]} twice: there is nothing to compare")
    return given[0], given[1]


def _client(config: Config, name: str, pinned: int | None = None) -> "BlockingClient":
    from serving.client.connect import connect

    version = int(name) if config.versions else pinned
    return connect(
        config.server,
        config.model_name,
        version=version,
        version_label=name if version is None else None,
        timeout=config.timeout,
        attempts=1,  # a version that fails now and then shall be seen to
        tls=config.tls_files(),
    )


if __name__ == "__main__":
    # gRPC would log what an error tells anyway. It looks at this once, when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    run(main, Config)
