"""Sends prepared requests to a REST API."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import aiohttp

from serving.client.base import ModelClient
from serving.client.questions import Column
from serving.client.rest_client import error_message, json_body, model_url
from serving.client.tls import Tls
from serving.load_test.load import DEADLINE_EXCEEDED, OK, Outcome, Send


@contextlib.asynccontextmanager
async def rest_target(
    client: ModelClient, signature: str, requests: Sequence[Mapping[str, Column]]
) -> AsyncIterator[Send]:
    """Sends requests to a client's model, each under way over a connection of its own.

    Connections are kept. Bodies are encoded once.
    """
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
                return Outcome(DEADLINE_EXCEEDED, f"no answer within {client.timeout:g} s")
            except (aiohttp.ClientError, OSError) as error:
                return Outcome("UNAVAILABLE", str(error))
            if response.status == 200:
                return OK
            words = error_message(text) or text.decode(errors="replace")
            return Outcome(f"HTTP {response.status}", words.strip().split("\n")[0])

        yield send
