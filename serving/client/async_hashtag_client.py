"""The gRPC client of a served hashtag model, for asyncio."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.client import grpc_wire, questions
from serving.client.answers import HashtagEmbeddings, Prediction
from serving.client.columns import Image
from serving.client.model_client import ModelClient
from serving.client.questions import AnswerT, Question
from serving.client.served_model import ServedModel
from serving.tensors import Array
from tagkeras.data.user import User


class AsyncHashtagClient(ModelClient):
    """`HashtagClient` with coroutines for methods: one event loop asks many things at a time.

    To be used in one event loop, the one of the first call. A call whose task is cancelled is
    cancelled on the server too.

    Example:
        async with AsyncHashtagClient("localhost:8500", "tags") as client:
            answers = await asyncio.gather(*(client.predict([photo]) for photo in photos))

    See `ModelClient` for the arguments; `server` is `host:port` of the gRPC API.
    """

    async def predict(
        self, images: Sequence[Image], users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """See `HashtagClient.predict`."""
        return await self._ask(questions.hashtags(images, users))

    async def predict_descriptors(
        self, descriptors: Array, users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """See `HashtagClient.predict_descriptors`."""
        return await self._ask(questions.hashtags_of_descriptors(descriptors, users))

    async def image_embedding(
        self, images: Sequence[Image] | Array, users: Sequence[User] = (User(),)
    ) -> Array:
        """See `HashtagClient.image_embedding`."""
        return await self._ask(questions.image_embedding(images, users))

    async def user_embedding(self, users: Sequence[User]) -> Array:
        """See `HashtagClient.user_embedding`."""
        return await self._ask(questions.user_embedding(users))

    async def hashtag_embedding(self, hashtags: Sequence[str]) -> HashtagEmbeddings:
        """See `HashtagClient.hashtag_embedding`."""
        return await self._ask(questions.hashtag_embedding(hashtags))

    async def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _open(self) -> None:
        grpc_wire.check_address(self._served.server)
        self._channel: grpc.aio.Channel | None = None

    async def _ask(self, question: Question[AnswerT]) -> AnswerT:
        request = grpc_wire.request(self._served, question)
        try:
            response = await self._stub().Predict(request, timeout=self._served.timeout)
        except grpc.RpcError as error:
            raise grpc_wire.explained(self._served, error) from error
        return question.read(grpc_wire.answered(self._served, response))

    def _stub(self) -> Any:
        # A channel belongs to the event loop in which it is made, so it waits for the first call.
        if self._channel is None:
            self._channel = _channel(self._served)
        return prediction_service_pb2_grpc.PredictionServiceStub(self._channel)


def _channel(served: ServedModel) -> grpc.aio.Channel:
    options = grpc_wire.channel_options(served.attempts)
    if served.tls is None:
        return grpc.aio.insecure_channel(served.server, options)
    return grpc.aio.secure_channel(served.server, grpc_wire.credentials(served.tls), options)
