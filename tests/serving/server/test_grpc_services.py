"""PredictionService and ModelService's status over a socket."""

import numpy as np
import pytest
import tensorflow as tf
from grpc_helpers import (
    TWO_VERSIONS,
    Code,
    config_of,
    examples,
    half,
    model,
    multi_request,
    predict_request,
    refused,
    serving,
)
from serving_helpers import QUICK, WAIT, Stubs, photo, photo_request, statuses, unknown_facts
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)

from serving import tensors
from serving.server.flags import ManagerOptions
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.versions import State


def slow_request(steps: int) -> predict_pb2.PredictRequest:
    return predict_request("tags", "slow", steps=np.array(steps))


def best(response: predict_pb2.PredictResponse) -> list[tuple[bytes, float]]:
    hashtags = tensors.from_proto(response.outputs["hashtags"])
    scores = tensors.from_proto(response.outputs["scores"])
    return list(zip(hashtags[:, 0].tolist(), scores[:, 0].tolist(), strict=True))


def values(response: inference_pb2.MultiInferenceResponse) -> list[list[float]]:
    """The best score or the number of each example, by task."""
    return [
        [one.classes[0].score for one in task.classification_result.classifications]
        or [one.value for one in task.regression_result.regressions]
        for task in response.results
    ]


def example(**features) -> tf.train.Example:
    message = tf.train.Example()
    for name, value in features.items():
        message.features.feature[name].bytes_list.value.append(value)
    return message


class TestPredict:
    def test_the_newest_version_answers_and_says_so(self, tags_stubs):
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

    def test_output_filter(self, tags_stubs):
        message = photo_request()
        message.output_filter.append("scores")
        assert set(tags_stubs.prediction.Predict(message).outputs) == {"scores"}

    def test_messages_larger_than_the_default_limit(self, tags_stubs):
        descriptors = np.zeros([400_000, 4], np.float32)
        facts = unknown_facts(len(descriptors))
        message = predict_request("tags", "descriptor", descriptor=descriptors, **facts)
        assert message.ByteSize() > 4 * 2**20
        response = tags_stubs.prediction.Predict(message)
        assert response.ByteSize() > 4 * 2**20
        assert tensors.from_proto(response.outputs["scores"]).shape == (400_000, 3)


def test_a_deadline_stops_the_computation(hashtag_models):
    config = model_config.single_model("tags", str(hashtag_models))
    # One thread: the second call is answered only if the first has been stopped.
    with ModelServer(config, options=QUICK, max_threads=1) as server:
        stubs = Stubs(server.endpoint)
        with refused(Code.DEADLINE_EXCEEDED):
            stubs.prediction.Predict(slow_request(10**15), timeout=0.3)
        response = stubs.prediction.Predict(slow_request(3), timeout=60)
        assert tensors.from_proto(response.outputs["total"]) == 3


def test_a_context_for_all_examples(tags_stubs):
    spec = {"name": "tags", "signature_name": "classify"}
    request = classification_pb2.ClassificationRequest(model_spec=spec)
    listed = request.input.example_list_with_context
    listed.context.CopyFrom(example(image=photo(0), country=b"US"))
    listed.examples.add()
    listed.examples.add().CopyFrom(example(country=b"GB"))
    result = tags_stubs.prediction.Classify(request).result
    assert [c.classes[0].label for c in result.classifications] == ["soccer", "football"]


@pytest.fixture(scope="module")
def original(tf_serving_testdata):
    """TensorFlow Serving's own test models: y = x / 2 + 2 as `half` in two versions, and others."""
    more = "model_version_policy { specific { versions: 123 versions: 124 } }"
    config = config_of(
        model(tf_serving_testdata / TWO_VERSIONS, more=more),
        model(tf_serving_testdata / "saved_model_half_plus_two_tf2_cpu", name="tf2"),
        model(tf_serving_testdata / "saved_model_half_plus_three", name="three"),
        model(tf_serving_testdata / "saved_model_counter", name="counter"),
    )
    with serving(config) as (server, stubs):
        for version in (123, 124):
            assert server.manager.wait_for_state("half", version, State.AVAILABLE, WAIT)
        yield stubs


class TestOriginalModels:
    def test_predict(self, original):
        assert half(original) == (124, [3.0])
        assert half(original, version=123) == (123, [3.0])
        assert half(original, name="tf2") == (123, [3.0])
        assert half(original, name="three") == (123, [4.0])

    def test_shapes_are_left_to_the_graph(self, original):
        # The signature says [?, 1].
        for shape in ([2, 3], [6], [1, 1, 6]):
            response = original.prediction.Predict(predict_request(x=np.ones(shape, np.float32)))
            answered = tensors.from_proto(response.outputs["y"])
            np.testing.assert_array_equal(answered, np.full(shape, 2.5))

    def test_classify(self, original):
        request = examples(classification_pb2.ClassificationRequest, "classify_x_to_y", 2.0, 4.0)
        result = original.prediction.Classify(request).result
        classes = [[(c.label, c.score) for c in one.classes] for one in result.classifications]
        assert classes == [[("", 3.0)], [("", 4.0)]]

    def test_regress(self, original):
        for signature, expected in [("regress_x_to_y", 3.0), ("regress_x_to_y2", 4.0)]:
            request = examples(regression_pb2.RegressionRequest, signature, 2.0, 2.0)
            response = original.prediction.Regress(request)
            assert [r.value for r in response.result.regressions] == [expected] * 2
            assert response.model_spec.signature_name == signature
            assert response.model_spec.version.value == 124

    def test_signatures_of_another_kind(self, original):
        for signature in ("guess", "", "regress_x_to_y"):
            request = examples(classification_pb2.ClassificationRequest, signature, 2.0)
            with refused(Code.INVALID_ARGUMENT, signature or "serving_default"):
                original.prediction.Classify(request)

    def test_multi_inference(self, original):
        tasks = [("regress", "regress_x_to_y"), ("classify", "classify_x_to_y")]
        tasks.append(("regress", "regress_x_to_y2"))
        response = original.prediction.MultiInference(multi_request(*tasks, values=(2.0, 4.0)))
        assert values(response) == [[3.0, 4.0], [3.0, 4.0], [4.0, 5.0]]
        answered = [one.model_spec for one in response.results]
        assert [spec.signature_name for spec in answered] == [name for _, name in tasks]
        assert {spec.version.value for spec in answered} == {124}

    def test_refusals_of_multi_inference(self, original):
        regression = ("regress", "regress_x_to_y")
        for request, code, words in [
            (multi_request(), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
            (multi_request(regression, name="nobody"), Code.NOT_FOUND, "Latest(nobody)"),
            (multi_request(("regress", "guess")), Code.INVALID_ARGUMENT, "guess"),
            (multi_request(("predict", "guess")), Code.UNIMPLEMENTED, "method_name"),
            (multi_request(regression, regression), Code.INVALID_ARGUMENT, "Duplicate"),
            (multi_request(regression, values=()), Code.INVALID_ARGUMENT, "Input is empty."),
        ]:
            with refused(code, words):
                original.prediction.MultiInference(request)
        request = multi_request(regression, ("classify", "classify_x_to_y"))
        request.tasks[1].model_spec.name = "three"
        with refused(Code.INVALID_ARGUMENT, "must access the same model name"):
            original.prediction.MultiInference(request)

    def test_metadata(self, original):
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        with refused(Code.INVALID_ARGUMENT, "Missing ModelSpec"):
            original.prediction.GetModelMetadata(request)
        request.model_spec.name = "half"
        request.model_spec.version.value = 123
        with refused(Code.INVALID_ARGUMENT, "must specify at least one metadata_field"):
            original.prediction.GetModelMetadata(request)
        request.metadata_field.append("weights")
        with refused(Code.INVALID_ARGUMENT, "weights", "is not supported"):
            original.prediction.GetModelMetadata(request)
        request.metadata_field[:] = ["signature_def"]
        response = original.prediction.GetModelMetadata(request)
        assert response.model_spec.name == "half"
        assert response.model_spec.version.value == 123
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        regress = signatures.signature_def["regress_x_to_y"]
        assert regress.method_name == "tensorflow/serving/regress"
        assert regress.inputs["inputs"].name == "tf_example:0"

    def test_status(self, original):
        assert statuses(original, "half") == [(124, "AVAILABLE", 0), (123, "AVAILABLE", 0)]
        assert statuses(original, "half", 123) == [(123, "AVAILABLE", 0)]
        with refused(Code.NOT_FOUND, "Could not find any versions of model nobody"):
            statuses(original, "nobody")
        with refused(Code.NOT_FOUND, "Could not find version 125 of model half"):
            statuses(original, "half", 125)
        with refused(Code.INVALID_ARGUMENT, "Missing ModelSpec"):
            original.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest())

    def test_tensor_content_in_requests_and_on_demand_in_answers(self, tf_serving_testdata):
        config = config_of(model(tf_serving_testdata / TWO_VERSIONS))
        request = predict_request()
        proto = tensors.to_proto(np.float32([2.0]), as_content=True)
        request.inputs["x"].CopyFrom(proto)
        with serving(config, tensor_content=True) as (_, stubs):
            y = stubs.prediction.Predict(request).outputs["y"]
            assert y.tensor_content == np.array([3.0], "<f4").tobytes()
            assert not y.float_val


def test_multi_inference_of_signatures_with_different_input_tensors(tmp_path):
    """As all models of TensorFlow 2 have them."""

    def x_of(inputs):
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]

    module = tf.Module()
    module.scores = tf.function(lambda inputs: {"scores": x_of(inputs)[:, tf.newaxis] + 1})
    module.outputs = tf.function(lambda inputs: {"outputs": x_of(inputs) * 2})
    spec = tf.TensorSpec([None], tf.string, name="inputs")
    signatures = {
        "classify": module.scores.get_concrete_function(inputs=spec),
        "regress": module.outputs.get_concrete_function(inputs=spec),
    }
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=signatures)
    request = multi_request(("classify", "classify"), ("regress", "regress"), values=(2.0, 4.0))
    with serving(config_of(model(tmp_path))) as (_, stubs):
        assert values(stubs.prediction.MultiInference(request)) == [[3.0, 5.0], [4.0, 8.0]]


def test_method_names_are_checked_if_asked_for(tf_serving_testdata, original):
    """--enable_signature_method_name_check; models of TensorFlow 2 fail it by design."""
    options = ManagerOptions(
        file_system_poll_wait_seconds=0, enable_signature_method_name_check=True
    )
    config = config_of(
        model(tf_serving_testdata / TWO_VERSIONS),
        model(tf_serving_testdata / "saved_model_half_plus_two_tf2_cpu", name="tf2"),
    )
    request = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0)
    other = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0, name="tf2")
    with serving(config, options=options) as (_, stubs):
        assert half(stubs) == (124, [3.0])
        assert stubs.prediction.Regress(request).result.regressions[0].value == 3.0
        words = "tensorflow/serving/regress. Was: tensorflow/serving/predict"
        with refused(Code.INVALID_ARGUMENT, words):
            stubs.prediction.Regress(other)
    assert original.prediction.Regress(other).result.regressions[0].value == 3.0
