"""Where load goes: prepared requests to a model behind a gRPC API or a REST API.

Requests are encoded once and answers are not parsed, which leaves the load generator little to do.
The libraries of an API are imported when it is used.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from serving.client.base import ModelClient
from serving.client.questions import Column

# How a request ended: `OK`, the name of a gRPC status, or `HTTP` and a status code of HTTP; and
# what the server said to a request that failed.
Outcome = tuple[str, str]
# Sends the request of a number, beginning again after the last, and waits for its end.
Send = Callable[[int], Awaitable[Outcome]]
Requests = Sequence[Mapping[str, Column]]

OK: Outcome = ("OK", "")
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"

_PREDICT = "/tensorflow.serving.PredictionService/Predict"


@contextlib.asynccontextmanager
async def grpc_target(
    client: ModelClient, signature: str, requests: Requests, connections: int
) -> AsyncIterator[Send]:
    """Calls of PredictionService.Predict, over so many channels with connections of their own."""
    import grpc.aio

    from serving.client.grpc_client import channel_options, open_channel, predict_request

    # A request sent twice would count as a slow one; and channels to one address would share a
    # connection.
    options = [*channel_options(attempts=1), ("grpc.use_local_subchannel_pool", 1)]
    messages = [predict_request(client, signature, one).SerializeToString() for one in requests]
    channels = [open_channel(grpc.aio, client, options) for _ in range(connections)]

    async def send(number: int) -> Outcome:
        call = channels[number % len(channels)].unary_unary(_PREDICT)
        try:
            await call(messages[number % len(messages)], timeout=client.timeout)
        except grpc.aio.AioRpcError as error:
            return error.code().name, (error.details() or "").partition("\n")[0]
        return OK

    try:
        yield send
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


@contextlib.asynccontextmanager
async def rest_target(
    client: ModelClient, signature: str, requests: Requests
) -> AsyncIterator[Send]:
    """Requests of `:predict`, each under way over a connection of its own, which is kept."""
    import aiohttp

    from serving.client.rest_client import error_message, json_body, model_url
    from serving.client.tls import Tls

    url = f"{model_url(client)}:predict"
    bodies = [json_body(signature, inputs) for inputs in requests]
    tls = (client.tls or Tls()).ssl_context() if url.startswith("https:") else True
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=tls),
        timeout=aiohttp.ClientTimeout(total=client.timeout),
        headers={"Content-Type": "application/json"},
    ) as session:

        async def send(number: int) -> Outcome:
            try:
                async with session.post(url, data=bodies[number % len(bodies)]) as response:
                    text = await response.read()
            except TimeoutError:
                return DEADLINE_EXCEEDED, f"no answer within {client.timeout:g} s"
            except (aiohttp.ClientError, OSError) as error:
                return "UNAVAILABLE", str(error)
            if response.status == 200:
                return OK
            words = error_message(text) or text.decode(errors="replace")
            return f"HTTP {response.status}", words.strip().partition("\n")[0]

        yield send
