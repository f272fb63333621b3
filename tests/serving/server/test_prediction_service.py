"""PredictionService over a socket, with the messages of tensorflow_model_server."""

import contextlib
import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_helpers import QUICK, VOCABULARY, Stubs, photo
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)

from serving import tensors
from serving.server.model_server import ModelServer
from serving.server.models import model_config

Code = grpc.StatusCode


@contextlib.contextmanager
def refused(code: grpc.StatusCode, *words: str):
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert caught.value.code() is code, caught.value.details()
    for word in words:
        assert word in caught.value.details()


def user_inputs(count: int) -> dict[str, np.ndarray]:
    unknown, empty = np.full(count, np.nan, np.float32), np.full(count, b"", object)
    return {
        "age": unknown,
        "gender": empty,
        "country": empty,
        "latitude": unknown,
        "longitude": unknown,
    }


def request(signature: str = "", name: str = "tags", **inputs) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = name
    message.model_spec.signature_name = signature
    for alias, value in inputs.items():
        message.inputs[alias].CopyFrom(tensors.to_proto(np.asarray(value)))
    return message


def photo_request(*images: bytes) -> predict_pb2.PredictRequest:
    return request(image=np.array(images or [photo()], object), **user_inputs(len(images) or 1))


def best(response: predict_pb2.PredictResponse) -> list[tuple[bytes, float]]:
    hashtags = tensors.from_proto(response.outputs["hashtags"])
    scores = tensors.from_proto(response.outputs["scores"])
    return list(zip(hashtags[:, 0].tolist(), scores[:, 0].tolist(), strict=True))


def example(**features) -> tf.train.Example:
    message = tf.train.Example()
    for name, value in features.items():
        feature = message.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return message


def test_the_newest_version_answers_and_says_so(tags_stubs):
    response = tags_stubs.prediction.Predict(photo_request(photo(255), photo(0)))
    assert response.model_spec.name == "tags"
    assert response.model_spec.signature_name == "serving_default"
    assert response.model_spec.version.value == 2
    assert best(response) == [
        (b"sunset", pytest.approx(2.0)),
        (b"football", pytest.approx(1.3)),
    ]
    scores = response.outputs["scores"]
    assert len(scores.float_val) == 6
    assert not scores.tensor_content


def test_by_version_and_by_label(tags_stubs):
    message = photo_request(photo(0))
    message.model_spec.version.value = 1
    by_version = tags_stubs.prediction.Predict(message)
    message.model_spec.version_label = "old"
    by_label = tags_stubs.prediction.Predict(message)
    for response in (by_version, by_label):
        assert response.model_spec.version.value == 1
        assert best(response) == [(b"football", pytest.approx(0.3))]


def test_output_filter(tags_stubs):
    message = photo_request()
    message.output_filter.append("scores")
    assert set(tags_stubs.prediction.Predict(message).outputs) == {"scores"}
    message.output_filter.append("scores")
    with refused(Code.INVALID_ARGUMENT, "duplicate output tensor alias: scores"):
        tags_stubs.prediction.Predict(message)
    message.output_filter[:] = ["hashes"]
    with refused(
        Code.INVALID_ARGUMENT,
        "output tensor alias not found in signature: hashes Outputs expected to be in the set "
        "{hashtags,scores}.",
    ):
        tags_stubs.prediction.Predict(message)


def test_unknown_model_version_label_and_signature(tags_stubs):
    message = photo_request()
    message.model_spec.name = "cats"
    with refused(Code.NOT_FOUND, "Servable not found for request: Latest(cats)"):
        tags_stubs.prediction.Predict(message)
    message.model_spec.name = "tags"
    message.model_spec.version.value = 7
    with refused(Code.NOT_FOUND, "Servable not found for request: Specific(tags, 7)"):
        tags_stubs.prediction.Predict(message)
    message.model_spec.version_label = "stable"
    with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: stable"):
        tags_stubs.prediction.Predict(message)
    message.model_spec.Clear()
    message.model_spec.name = "tags"
    message.model_spec.signature_name = "guess"
    with refused(Code.FAILED_PRECONDITION, 'Serving signature key "guess" not found.'):
        tags_stubs.prediction.Predict(message)


def test_no_model_at_all(tags_stubs):
    with refused(Code.INVALID_ARGUMENT, "Missing ModelSpec"):
        tags_stubs.prediction.Predict(predict_pb2.PredictRequest())
    with refused(Code.INVALID_ARGUMENT, "ModelSpec has no name specified."):
        tags_stubs.prediction.Predict(request(name=""))


def test_missing_and_extra_inputs(tags_stubs):
    message = photo_request()
    del message.inputs["age"]
    with refused(
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 5!=6 "
        "len({country,gender,image,latitude,longitude}) != "
        "len({age,country,gender,image,latitude,longitude}). Sent extra: {}. "
        "Missing but required: {age}.",
    ):
        tags_stubs.prediction.Predict(message)
    message.inputs["height"].CopyFrom(message.inputs["latitude"])
    with refused(Code.INVALID_ARGUMENT, "Signature input alias: age(feed name: "):
        tags_stubs.prediction.Predict(message)


def test_wrong_type_and_wrong_shape(tags_stubs):
    message = photo_request()
    message.inputs["age"].CopyFrom(tensors.to_proto(np.array([30])))
    with refused(Code.INVALID_ARGUMENT, "to be float but int64 is provided"):
        tags_stubs.prediction.Predict(message)
    message.inputs["age"].CopyFrom(tensors.to_proto(np.array([30, 40], np.float32)))
    with refused(Code.INVALID_ARGUMENT):
        tags_stubs.prediction.Predict(message)
    message.inputs["age"].float_val[:] = [30]
    message.inputs["age"].tensor_shape.dim[0].size = 10**12
    with refused(Code.INVALID_ARGUMENT, "tensor parsing error: age"):
        tags_stubs.prediction.Predict(message)


def test_a_bad_image_fails_only_its_own_request(tags_stubs):
    good, bad = photo_request(photo(255)), photo_request(b"no image")
    calls = [tags_stubs.prediction.Predict.future(m) for m in [good, bad] * 10]
    for call in calls[::2]:
        assert best(call.result()) == [(b"sunset", pytest.approx(2.0))]
    for call in calls[1::2]:
        assert call.code() is Code.INVALID_ARGUMENT
        assert "Unknown image file format" in call.details()


def test_messages_larger_than_the_default_limit(tags_stubs):
    descriptors = np.zeros([400_000, 4], np.float32)
    message = request("descriptor", descriptor=descriptors, **user_inputs(len(descriptors)))
    assert message.ByteSize() > 4 * 2**20
    response = tags_stubs.prediction.Predict(message)
    assert response.ByteSize() > 4 * 2**20
    assert tensors.from_proto(response.outputs["scores"]).shape == (400_000, 3)


def test_a_deadline_stops_the_computation(hashtag_models):
    config = model_config.single_model("tags", str(hashtag_models))
    # One thread: the second call is answered only if the first has been stopped.
    with ModelServer(config, options=QUICK, max_threads=1) as server:
        stubs = Stubs(server.endpoint)
        endless = request("slow", steps=np.array(10**15))
        with refused(Code.DEADLINE_EXCEEDED):
            stubs.prediction.Predict(endless, timeout=0.3)
        response = stubs.prediction.Predict(request("slow", steps=np.array(3)), timeout=60)
        assert tensors.from_proto(response.outputs["total"]) == 3


def test_a_stop_lets_calls_under_way_finish(hashtag_models):
    server = ModelServer(model_config.single_model("tags", str(hashtag_models)), options=QUICK)
    with server:
        stubs = Stubs(server.endpoint)
        call = stubs.prediction.Predict.future(request("slow", steps=np.array(300_000)))
        version = server.manager._models["tags"][2]
        with server.manager._changed:
            while not version.calls and not call.done():
                server.manager._changed.wait(0.001)
        under_way = not call.done()
    assert under_way
    assert tensors.from_proto(call.result().outputs["total"]) == 300_000


def test_calls_in_parallel_get_their_own_answers(tags_stubs):
    def ask(brightness: int) -> float:
        message = photo_request(photo(brightness))
        message.model_spec.version.value = 1 + brightness % 2
        scores = tensors.from_proto(tags_stubs.prediction.Predict(message).outputs["scores"])
        return float(scores.max())

    levels = list(range(100, 256, 4)) + list(range(101, 256, 4))
    with futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, levels))
    assert answers == [pytest.approx(b % 2 + max(0.3, b / 255)) for b in levels]
    assert threading.active_count() < 100


def test_classify(tags_stubs):
    message = classification_pb2.ClassificationRequest()
    message.model_spec.name = "tags"
    message.model_spec.signature_name = "classify"
    message.input.example_list.examples.add().CopyFrom(example(image=photo(255)))
    message.input.example_list.examples.add().CopyFrom(example(image=photo(0), country=b"US"))
    response = tags_stubs.prediction.Classify(message)
    assert response.model_spec.version.value == 2
    assert response.model_spec.signature_name == "classify"
    first, second = response.result.classifications
    assert [entry.label for entry in first.classes] == ["sunset", "football", "soccer"]
    assert [entry.score for entry in first.classes] == pytest.approx([2.0, 1.3, 1.2])
    assert second.classes[0].label == "soccer"


def test_classify_with_a_context_for_all_examples(tags_stubs):
    message = classification_pb2.ClassificationRequest()
    message.model_spec.name = "tags"
    message.model_spec.signature_name = "classify"
    listed = message.input.example_list_with_context
    listed.context.CopyFrom(example(image=photo(0), country=b"US"))
    listed.examples.add()
    listed.examples.add().CopyFrom(example(country=b"GB"))
    result = tags_stubs.prediction.Classify(message).result
    assert [c.classes[0].label for c in result.classifications] == ["soccer", "football"]


def test_classify_refusals(tags_stubs):
    message = classification_pb2.ClassificationRequest()
    message.model_spec.name = "tags"
    message.model_spec.signature_name = "classify"
    with refused(Code.INVALID_ARGUMENT, "Input is empty."):
        tags_stubs.prediction.Classify(message)
    message.model_spec.signature_name = "guess"
    with refused(Code.INVALID_ARGUMENT, "No signature was found with the name: guess"):
        tags_stubs.prediction.Classify(message)
    message.model_spec.signature_name = "serving_default"
    with refused(Code.INVALID_ARGUMENT, "Expected one input Tensor."):
        tags_stubs.prediction.Classify(message)
    message.model_spec.signature_name = "hashtag_embedding"
    with refused(Code.FAILED_PRECONDITION, "No classification inputs found in SignatureDef"):
        tags_stubs.prediction.Classify(message)


def test_metadata(tags_stubs):
    message = get_model_metadata_pb2.GetModelMetadataRequest()
    message.model_spec.name = "tags"
    with refused(Code.INVALID_ARGUMENT, "must specify at least one metadata_field"):
        tags_stubs.prediction.GetModelMetadata(message)
    message.metadata_field.append("weights")
    with refused(Code.INVALID_ARGUMENT, "weights", "is not supported"):
        tags_stubs.prediction.GetModelMetadata(message)
    message.metadata_field[:] = ["signature_def"]
    response = tags_stubs.prediction.GetModelMetadata(message)
    assert response.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def["serving_default"].inputs) == {
        "image",
        *user_inputs(1),
    }


class TestOriginalModels:
    """Requests of TensorFlow Serving's own tests, with its own models."""

    @pytest.fixture(scope="class")
    def stubs(self, tf_serving_testdata):
        config = model_config.single_model(
            "default", str(tf_serving_testdata / "saved_model_half_plus_two_cpu")
        )
        for name, folder in [
            ("three", "saved_model_half_plus_three"),
            ("tf2", "saved_model_half_plus_two_tf2_cpu"),
            ("counter", "saved_model_counter"),
        ]:
            other = model_config.single_model(name, str(tf_serving_testdata / folder))
            config.model_config_list.config.extend(other.model_config_list.config)
        with ModelServer(config, options=QUICK) as server:
            yield Stubs(server.endpoint)

    @pytest.mark.parametrize(("name", "y"), [("default", 3.0), ("three", 4.0), ("tf2", 3.0)])
    def test_predict(self, stubs, name, y):
        # The signature says [?, 1]; the server leaves shapes to the graph.
        response = stubs.prediction.Predict(request(name=name, x=np.array([2.0], np.float32)))
        assert list(response.outputs["y"].float_val) == [y]
        assert response.model_spec.signature_name == "serving_default"
        assert response.model_spec.version.value == 123

    def test_a_model_with_state(self, stubs):
        for expected in (1.0, 2.0):
            response = stubs.prediction.Predict(request("incr_counter", name="counter"))
            assert list(response.outputs["output"].float_val) == [expected]

    def test_classify_and_regress(self, stubs):
        classification = classification_pb2.ClassificationRequest()
        classification.model_spec.name = "default"
        classification.model_spec.signature_name = "classify_x_to_y"
        classification.input.example_list.examples.add().CopyFrom(example(x=2.0))
        result = stubs.prediction.Classify(classification).result
        assert [c.score for c in result.classifications[0].classes] == [3.0]

        regression = regression_pb2.RegressionRequest()
        regression.model_spec.name = "default"
        regression.model_spec.signature_name = "regress_x_to_y"
        regression.input.CopyFrom(classification.input)
        response = stubs.prediction.Regress(regression)
        assert [r.value for r in response.result.regressions] == [3.0]
        assert response.model_spec.version.value == 123

    def test_multi_inference(self, stubs):
        message = inference_pb2.MultiInferenceRequest()
        for kind in ("regress", "classify"):
            task = message.tasks.add(method_name=f"tensorflow/serving/{kind}")
            task.model_spec.name = "default"
            task.model_spec.signature_name = f"{kind}_x_to_y"
        message.input.example_list.examples.add().CopyFrom(example(x=2.0))
        regression, classification = stubs.prediction.MultiInference(message).results
        assert regression.regression_result.regressions[0].value == 3.0
        assert regression.model_spec.signature_name == "regress_x_to_y"
        assert classification.classification_result.classifications[0].classes[0].score == 3.0
        assert classification.model_spec.version.value == 123

        message.tasks[1].CopyFrom(message.tasks[0])
        with refused(Code.INVALID_ARGUMENT, "Duplicate evaluation of signature: regress_x_to_y"):
            stubs.prediction.MultiInference(message)
        message.tasks[1].model_spec.name = "three"
        with refused(Code.INVALID_ARGUMENT, "must access the same model name"):
            stubs.prediction.MultiInference(message)
        message.tasks[1].model_spec.name = "default"
        message.tasks[1].model_spec.signature_name = "classify_x_to_y"
        message.tasks[1].method_name = "tensorflow/serving/predict"
        with refused(Code.UNIMPLEMENTED, "Unsupported signature method_name"):
            stubs.prediction.MultiInference(message)


def test_the_vocabulary_of_the_test_model_is_known(tags_stubs):
    names = np.array([VOCABULARY[1].encode(), b"nonsense"], object)
    response = tags_stubs.prediction.Predict(request("hashtag_embedding", hashtag=names))
    assert tensors.from_proto(response.outputs["known"]).tolist() == [True, False]
