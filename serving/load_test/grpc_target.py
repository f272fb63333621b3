"""Sends prepared requests to a gRPC API."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import grpc
import grpc.aio

from serving.client.base import ModelClient
from serving.client.grpc_client import open_channel, predict_request
from serving.client.questions import Column
from serving.load_test.load import OK, Outcome, Send

_METHOD = "/tensorflow.serving.PredictionService/Predict"
_OPTIONS = (
    ("grpc.enable_retries", 0),  # a request sent twice would count as a slow one
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),  # channels to one address share a connection otherwise
    # A server that is back shall be found soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


@contextlib.asynccontextmanager
async def grpc_target(
    client: ModelClient,
    signature: str,
    requests: Sequence[Mapping[str, Column]],
    connections: int,
) -> AsyncIterator[Send]:
    """Sends requests to a client's model, over so many connections.

    Messages are serialized once, and answers are not parsed: a call costs the load generator as
    little as can be.
    """
    messages = [predict_request(client, signature, one).SerializeToString() for one in requests]
    channels = [open_channel(grpc.aio, client, _OPTIONS) for _ in range(connections)]

    async def send(number: int) -> Outcome:
        call = channels[number % len(channels)].unary_unary(_METHOD)
        try:
            await call(messages[number % len(messages)], timeout=client.timeout)
        except grpc.aio.AioRpcError as error:
            return Outcome(error.code().name, (error.details() or "").strip().split("\n")[0])
        return OK

    try:
        async with asyncio.timeout(client.timeout):
            await asyncio.gather(*(channel.channel_ready() for channel in channels))
        yield send
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))
