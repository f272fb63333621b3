"""The gRPC client of a served hashtag model, behind the embedded server or TensorFlow Serving."""

import grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.client import grpc_wire
from serving.client.blocking_client import BlockingClient
from serving.client.questions import AnswerT, Question


class HashtagClient(BlockingClient):
    """The client of the gRPC API; see `BlockingClient` for its arguments and methods.

    Example:
        with HashtagClient("localhost:8500", "tags") as client:
            (answer,) = client.predict(["ball.jpg"], [User(age=30, country="GB")])
            print(answer.hashtags[0].hashtag)
    """

    def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        self._channel.close()

    def _open(self) -> None:
        self._channel = grpc_wire.channel(self._served)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        request = grpc_wire.request(self._served, question)
        try:
            response = self._stub.Predict(request, timeout=self._served.timeout)
        except grpc.RpcError as error:
            raise grpc_wire.explained(self._served, error) from error
        return question.read(grpc_wire.answered(self._served, response))
