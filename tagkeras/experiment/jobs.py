"""Runs commands in processes of their own, several at a time, each to a log."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_CHILD = Path(__file__).with_name("child.py")
# Seconds that a command has to end after it was asked to.
_PATIENCE = 10.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """Commands that follow each other.

    Attributes:
        name: for messages.
        commands: arguments of Python, each a list.
        log: file that takes what they print.
        prepare: called before the first command.
    """

    name: str
    commands: Sequence[Sequence[str]]
    log: Path
    prepare: Callable[[], None] = lambda: None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        seconds: from its start to its end.
        status: exit status of the command that ended it; 0 if all went well.
    """

    job: Job
    seconds: float
    status: int


def run_jobs(
    jobs: Sequence[Job],
    *,
    environments: Sequence[Mapping[str, str]],
    on_end: Callable[[Outcome], None],
) -> list[Outcome]:
    """Runs all jobs; one that fails does not keep the others from running.

    Args:
        jobs: in the order in which they start.
        environments: variables of a job's processes beside those of this one; there are as many
            jobs at a time as environments, each of which is used by one job at a time.
        on_end: called when a job ends.

    Returns:
        Outcomes in the order in which jobs ended.

    Raises:
        KeyboardInterrupt: this process was interrupted or asked to end; no command runs any more.
    """
    return asyncio.run(_run_all(jobs, environments, on_end))


async def _run_all(
    jobs: Sequence[Job],
    environments: Sequence[Mapping[str, str]],
    on_end: Callable[[Outcome], None],
) -> list[Outcome]:
    waiting = list(reversed(jobs))
    outcomes: list[Outcome] = []

    async def work(environment: Mapping[str, str]) -> None:
        while waiting:
            job = waiting.pop()
            outcome = await _run(job, environment)
            outcomes.append(outcome)
            on_end(outcome)

    workers = asyncio.gather(*(work(environment) for environment in environments))
    loop = asyncio.get_running_loop()
    # What a terminal's Ctrl-C does, asyncio sees to itself.
    loop.add_signal_handler(signal.SIGTERM, workers.cancel)
    try:
        await workers
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    return outcomes


async def _run(job: Job, environment: Mapping[str, str]) -> Outcome:
    start = time.monotonic()
    job.prepare()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    status = 0
    with job.log.open("ab") as log:
        for command in job.commands:
            log.write(f"$ python {' '.join(command)}\n".encode())
            log.flush()
            # A group of its own: Ctrl-C on the terminal reaches this process alone, once.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(_CHILD),
                str(os.getpid()),
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **environment},
                process_group=0,
            )
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _stop(process)
                raise
            if status:
                break
    return Outcome(job=job, seconds=time.monotonic() - start, status=status)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ends a command: asks first."""
    for ask in (process.terminate, process.kill):
        with contextlib.suppress(ProcessLookupError):
            ask()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _PATIENCE)
            return
