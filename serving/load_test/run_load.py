"""A load test from its flags to its report."""

import asyncio
import dataclasses

from serving.load_test.load import Load
from serving.load_test.load_generator import LoadGenerator
from serving.load_test.progress_line import progress_line
from serving.load_test.report import Report
from serving.load_test.request_content import RequestContent
from serving.load_test.samples import Samples
from serving.load_test.target import Endpoint, open_target

_PROGRESS_SECONDS = 1.0
# Where calls of all clients go over one, its threads at either end are shared.
_MAX_CONNECTIONS = 8


async def run_load(
    endpoint: Endpoint, content: RequestContent, load: Load, batch: int
) -> tuple[Report, Samples]:
    """Puts a load on a served model and measures.

    Args:
        endpoint: what is asked.
        content: what the requests ask about.
        load: how many of them, and when.
        batch: images of a request.

    Raises:
        UserError: no server answers, it has no such model, or it takes other inputs.
    """
    connections = min(load.clients or _MAX_CONNECTIONS, _MAX_CONNECTIONS)
    target = open_target(dataclasses.replace(endpoint, connections=connections))
    try:
        target.prepare(content.requests(await target.input_shapes(), batch))
        generator = LoadGenerator(target, load)
        progress = asyncio.create_task(_show_progress(generator.samples, load))
        try:
            await generator.run()
        finally:
            progress.cancel()
            await asyncio.wait([progress])
    finally:
        await target.close()
    report = Report.of_samples(generator.samples, endpoint, load, batch, generator.busy)
    return report, generator.samples


async def _show_progress(samples: Samples, load: Load) -> None:
    with progress_line(load) as show:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            show(samples.finished, samples.failures.total())
