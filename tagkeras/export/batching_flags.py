"""The flags of batching inside an exported graph."""

import dataclasses

from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.export.batching import GraphBatching


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchingFlags:
    """How concurrent requests are put together."""

    max_batch_size: int | None = option(
        None,
        help="rank concurrent requests together in the graph, so many images at once at most;"
        " by default each alone",
        minimum=1,
    )
    batch_timeout_micros: int | None = option(
        None,
        help="microseconds for which a batch waits to become full; by default 0: it takes what"
        " came while others were computed",
        minimum=0,
    )
    num_batch_threads: int | None = option(
        None, help="batches that are computed at the same time; by default 1", minimum=1
    )

    def batching(self) -> GraphBatching | None:
        """How the graph puts requests together; None if it does not.

        Raises:
            UserError: a flag of batching without --max_batch_size.
        """
        if self.max_batch_size is None:
            for flag in ("batch_timeout_micros", "num_batch_threads"):
                if (value := getattr(self, flag)) is not None:
                    raise UserError(f"--{flag}={value}: give --max_batch_size, too")
            return None
        return GraphBatching(
            max_batch_size=self.max_batch_size,
            timeout_micros=self.batch_timeout_micros or 0,
            num_threads=self.num_batch_threads or 1,
        )
