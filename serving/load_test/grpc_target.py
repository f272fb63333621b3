"""Calls of PredictionService.Predict that cost the load generator as little as can be."""

import asyncio
from collections.abc import Sequence

import grpc
import grpc.aio
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2, predict_pb2

from serving import tensors
from serving.client import grpc_wire
from serving.load_test.target import OK, Endpoint, Inputs, Outcome, Shape, missing_signature
from tagkeras.cli.errors import UserError

_SERVICE = "/tensorflow.serving.PredictionService"
_OPTIONS = (
    # A request sent twice would count as a slow one.
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Channels to one address share a connection otherwise.
    ("grpc.use_local_subchannel_pool", 1),
)
# Further attempts come from the generator, and are to find a server that is back.
_BACKOFF = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000))


class GrpcTarget:
    """A model behind a gRPC API.

    Messages are serialized once, and answers are not parsed: only their status is looked at.

    Args:
        endpoint: what is asked.

    Raises:
        UserError: the server's address is none.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        options = [*_OPTIONS, *_BACKOFF]
        grpc_wire.check_address(endpoint.server)
        self._channels = [
            grpc.aio.insecure_channel(endpoint.server, options=options)
            if endpoint.tls is None
            else grpc.aio.secure_channel(
                endpoint.server, grpc_wire.credentials(endpoint.tls), options
            )
            for _ in range(endpoint.connections)
        ]
        self._calls = [channel.unary_unary(f"{_SERVICE}/Predict") for channel in self._channels]
        self._messages: list[bytes] = []

    async def input_shapes(self) -> dict[str, Shape]:
        """See `Target`."""
        await asyncio.gather(*(self._connect(channel) for channel in self._channels))
        endpoint = self._endpoint
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._model_spec(), metadata_field=["signature_def"]
        )
        call = self._channels[0].unary_unary(
            f"{_SERVICE}/GetModelMetadata",
            request_serializer=get_model_metadata_pb2.GetModelMetadataRequest.SerializeToString,
            response_deserializer=get_model_metadata_pb2.GetModelMetadataResponse.FromString,
        )
        try:
            response = await call(request, timeout=endpoint.timeout)
        except grpc.aio.AioRpcError as error:
            raise UserError(
                f"{endpoint.server} does not describe model {endpoint.model!r}: "
                f"{error.code().name}: {_first_line(error)}"
            ) from error
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        if endpoint.signature not in signatures.signature_def:
            raise missing_signature(endpoint, signatures.signature_def)
        return {
            name: tuple(dimension.size for dimension in info.tensor_shape.dim)
            for name, info in signatures.signature_def[endpoint.signature].inputs.items()
        }

    def prepare(self, requests: Sequence[Inputs]) -> None:
        """See `Target`."""
        for inputs in requests:
            request = predict_pb2.PredictRequest(model_spec=self._model_spec())
            request.model_spec.signature_name = self._endpoint.signature
            for name, value in inputs.items():
                request.inputs[name].CopyFrom(tensors.to_proto(value, as_content=True))
            self._messages.append(request.SerializeToString())

    async def send(self, number: int) -> Outcome:
        """See `Target`."""
        call = self._calls[number % len(self._calls)]
        message = self._messages[number % len(self._messages)]
        try:
            await call(message, timeout=self._endpoint.timeout)
        except grpc.aio.AioRpcError as error:
            return Outcome(error.code().name, _first_line(error))
        return OK

    async def close(self) -> None:
        """See `Target`."""
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def _connect(self, channel: grpc.aio.Channel) -> None:
        """Connects, or fails as soon as the first attempt has."""
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                state = channel.get_state(try_to_connect=True)
                while state is not grpc.ChannelConnectivity.READY:
                    if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                        raise TimeoutError
                    await channel.wait_for_state_change(state)
                    state = channel.get_state(try_to_connect=True)
        except TimeoutError:
            raise UserError(
                f"no gRPC server answers at {self._endpoint.server}; is it running, and are "
                "--server and the --tls_ flags right?"
            ) from None

    def _model_spec(self) -> model_pb2.ModelSpec:
        endpoint = self._endpoint
        return grpc_wire.model_spec(endpoint.model, endpoint.version, endpoint.version_label)


def _first_line(error: grpc.aio.AioRpcError) -> str:
    return (error.details() or "").strip().split("\n")[0]
