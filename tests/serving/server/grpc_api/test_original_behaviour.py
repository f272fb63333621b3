"""What tensorflow_model_server's own tests and documents say, asked of a server over sockets."""

import threading

import numpy as np
import pytest
from original_helpers import (
    TWO_VERSIONS,
    Code,
    config_of,
    examples,
    model,
    multi_request,
    predict,
    predict_request,
    refused,
    serving,
)
from serving_helpers import WAIT, statuses
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    regression_pb2,
)

from serving import tensors
from serving.server.batching import parameters
from serving.server.models import model_config
from serving.server.models.managed_version import ManagerOptions
from serving.server.models.version_policy import State


@pytest.fixture(scope="module")
def two(tf_serving_testdata):
    """Versions 123 and 124 of y = x / 2 + 2 of TensorFlow 1, and one of TensorFlow 2."""
    folder = tf_serving_testdata / TWO_VERSIONS
    config = config_of(
        model(folder, more="model_version_policy { specific { versions: 123 versions: 124 } }"),
        model(tf_serving_testdata / "saved_model_half_plus_two_tf2_cpu", name="tf2"),
        model(tf_serving_testdata / "saved_model_half_plus_three", name="three"),
    )
    with serving(config) as (server, stubs):
        for version in (123, 124):
            assert server.manager.wait_for_state("half", version, State.AVAILABLE, WAIT)
        yield stubs


class TestPredict:
    def test_with_and_without_an_output_filter(self, two):
        request = predict_request()
        for outputs in ([], ["y"]):
            request.output_filter[:] = outputs
            response = two.prediction.Predict(request)
            assert list(response.outputs) == ["y"]
            assert list(response.outputs["y"].float_val) == [3.0]
            assert [dim.size for dim in response.outputs["y"].tensor_shape.dim] == [1]

    @pytest.mark.parametrize(
        ("signature", "alias", "output"),
        [
            ("regress_x2_to_y3", "inputs", "outputs"),
            ("classify_x2_to_y3", "inputs", "scores"),
        ],
    )
    def test_signatures_of_other_methods_take_tensors_too(self, two, signature, alias, output):
        response = two.prediction.Predict(predict_request(signature=signature, alias=alias))
        assert list(response.outputs[output].float_val) == [4.0]
        assert response.model_spec.signature_name == signature

    def test_versions(self, two):
        assert predict(two) == (124, [3.0])
        for version in (123, 124):
            assert predict(two, version=version) == (version, [3.0])
        with refused(Code.NOT_FOUND, "Servable not found for request: Specific(half, 125)"):
            predict(two, version=125)

    def test_shapes_are_left_to_the_graph(self, two):
        # The signature says [?, 1].
        request = predict_request()
        for shape in ([2, 3], [6], [1, 1, 6]):
            request.inputs["x"].CopyFrom(tensors.to_proto(np.ones(shape, np.float32)))
            response = two.prediction.Predict(request)
            assert tensors.from_proto(response.outputs["y"]).tolist() == (
                np.full(shape, 2.5).tolist()
            )


class TestExamples:
    def test_classification(self, two):
        request = examples(classification_pb2.ClassificationRequest, "classify_x_to_y", 2.0, 4.0)
        response = two.prediction.Classify(request)
        scores = [[c.score for c in one.classes] for one in response.result.classifications]
        assert scores == [[3.0], [4.0]]
        assert [c.label for c in response.result.classifications[0].classes] == [""]
        assert response.model_spec.version.value == 124
        assert response.model_spec.signature_name == "classify_x_to_y"

    @pytest.mark.parametrize(
        ("signature", "expected"), [("regress_x_to_y", 3.0), ("regress_x_to_y2", 4.0)]
    )
    def test_regression(self, two, signature, expected):
        response = two.prediction.Regress(
            examples(regression_pb2.RegressionRequest, signature, 2.0, 2.0)
        )
        assert [r.value for r in response.result.regressions] == [expected] * 2
        assert response.model_spec.signature_name == signature

    def test_refusals_of_classification(self, two):
        for signature, code, words in [
            ("guess", Code.INVALID_ARGUMENT, "No signature was found with the name: guess"),
            ("", Code.FAILED_PRECONDITION, "No classification inputs found in SignatureDef"),
            ("regress_x_to_y", Code.FAILED_PRECONDITION, 'at least one of "classes" or "scores"'),
        ]:
            request = examples(classification_pb2.ClassificationRequest, signature, 2.0)
            with refused(code, words):
                two.prediction.Classify(request)

    def test_refusals_of_regression(self, two):
        for signature, code, words in [
            ("guess", Code.INVALID_ARGUMENT, "No signature was found with the name: guess"),
            ("", Code.FAILED_PRECONDITION, "No regression inputs found in SignatureDef"),
            ("classify_x_to_y", Code.FAILED_PRECONDITION, "No regression outputs found"),
        ]:
            with refused(code, words):
                two.prediction.Regress(examples(regression_pb2.RegressionRequest, signature, 2.0))

    def test_no_examples(self, two):
        for kind, call, signature in [
            (
                classification_pb2.ClassificationRequest,
                two.prediction.Classify,
                "classify_x_to_y",
            ),
            (regression_pb2.RegressionRequest, two.prediction.Regress, "regress_x_to_y"),
        ]:
            request = examples(kind, signature)
            with refused(Code.INVALID_ARGUMENT, "Input is empty."):
                call(request)
            request.input.example_list_with_context.context.SetInParent()
            with refused(Code.INVALID_ARGUMENT, "Input is empty."):
                call(request)

    def test_an_example_without_the_feature(self, two):
        request = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0)
        request.input.example_list.examples.add()
        with refused(Code.INVALID_ARGUMENT, "Feature: x"):
            two.prediction.Regress(request)

    def test_multi_inference(self, two):
        response = two.prediction.MultiInference(
            multi_request(
                ("regress", "regress_x_to_y"),
                ("classify", "classify_x_to_y"),
                ("regress", "regress_x_to_y2"),
                values=(2.0, 4.0),
            )
        )
        first, second, third = response.results
        assert [r.value for r in first.regression_result.regressions] == [3.0, 4.0]
        assert [one.classes[0].score for one in second.classification_result.classifications] == [
            3.0,
            4.0,
        ]
        assert [r.value for r in third.regression_result.regressions] == [4.0, 5.0]
        assert [one.model_spec.signature_name for one in response.results] == [
            "regress_x_to_y",
            "classify_x_to_y",
            "regress_x_to_y2",
        ]
        assert {one.model_spec.version.value for one in response.results} == {124}

    def test_refusals_of_multi_inference(self, two):
        for request, code, words in [
            (multi_request(), Code.INVALID_ARGUMENT, "ModelSpec has no name specified"),
            (
                multi_request(("regress", "regress_x_to_y"), name="nobody"),
                Code.NOT_FOUND,
                "Latest(nobody)",
            ),
            (
                multi_request(("regress", "guess")),
                Code.INVALID_ARGUMENT,
                "Requested signature not found in model graph: guess",
            ),
            (
                multi_request(("regress", "regress_x_to_y"), ("regress", "regress_x2_to_y3")),
                Code.INVALID_ARGUMENT,
                "Input tensor must be the same for all Signatures.",
            ),
            (
                multi_request(("regress", "regress_x_to_y"), values=()),
                Code.INVALID_ARGUMENT,
                "Input is empty.",
            ),
        ]:
            with refused(code, words):
                two.prediction.MultiInference(request)
        request = multi_request(("regress", "regress_x_to_y"), ("classify", "classify_x_to_y"))
        request.tasks[1].model_spec.name = ""
        with refused(Code.INVALID_ARGUMENT, "Found ModelSpec with an empty model name."):
            two.prediction.MultiInference(request)


class TestMetadata:
    def test_signatures_of_a_version(self, two):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "half"
        request.model_spec.version.value = 123
        response = two.prediction.GetModelMetadata(request)
        assert response.model_spec.name == "half"
        assert response.model_spec.version.value == 123
        assert response.model_spec.signature_name == ""
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        regress = signatures.signature_def["regress_x_to_y"]
        assert regress.method_name == "tensorflow/serving/regress"
        assert regress.inputs["inputs"].name == "tf_example:0"

    def test_refusals(self, two):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        with refused(Code.INVALID_ARGUMENT, "Missing ModelSpec"):
            two.prediction.GetModelMetadata(request)
        request.model_spec.name = "nobody"
        with refused(Code.NOT_FOUND, "Servable not found for request: Latest(nobody)"):
            two.prediction.GetModelMetadata(request)
        request.metadata_field.append("weights")
        with refused(Code.INVALID_ARGUMENT, "is not supported"):
            two.prediction.GetModelMetadata(request)


class TestStatus:
    def test_all_versions_and_one(self, two):
        assert statuses(two, "half") == [(124, "AVAILABLE", 0), (123, "AVAILABLE", 0)]
        assert statuses(two, "half", 123) == [(123, "AVAILABLE", 0)]

    def test_unknown_ones(self, two):
        with refused(Code.NOT_FOUND, "Could not find any versions of model nobody"):
            statuses(two, "nobody")
        with refused(Code.NOT_FOUND, "Could not find version 125 of model half"):
            statuses(two, "half", 125)
        with refused(Code.INVALID_ARGUMENT, "Missing ModelSpec"):
            two.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest())


class TestMethodNames:
    """--enable_signature_method_name_check; models of TensorFlow 2 fail it by design."""

    @pytest.fixture(scope="class")
    def strict(self, tf_serving_testdata):
        options = ManagerOptions(
            file_system_poll_wait_seconds=0, enable_signature_method_name_check=True
        )
        config = config_of(
            model(tf_serving_testdata / TWO_VERSIONS),
            model(tf_serving_testdata / "saved_model_half_plus_two_tf2_cpu", name="tf2"),
        )
        with serving(config, options=options) as (_, stubs):
            yield stubs

    def test_matching_ones_are_answered(self, strict):
        assert predict(strict) == (124, [3.0])
        request = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0)
        assert strict.prediction.Regress(request).result.regressions[0].value == 3.0
        response = strict.prediction.MultiInference(multi_request(("classify", "classify_x_to_y")))
        assert len(response.results) == 1

    def test_others_are_refused(self, strict):
        words = "Expected classification signature method_name to be tensorflow/serving/classify."
        with refused(Code.INVALID_ARGUMENT, words, "Was: tensorflow/serving/regress"):
            strict.prediction.Classify(
                examples(classification_pb2.ClassificationRequest, "regress_x_to_y", 2.0)
            )
        words = "Expected regression signature method_name to be tensorflow/serving/regress."
        with refused(Code.INVALID_ARGUMENT, words, "Was: tensorflow/serving/predict"):
            strict.prediction.Regress(
                examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0, name="tf2")
            )
        with refused(Code.INVALID_ARGUMENT, words):
            strict.prediction.MultiInference(multi_request(("regress", "classify_x_to_y")))
        with refused(Code.INTERNAL, "Expected prediction signature method_name to be one of"):
            strict.prediction.Predict(predict_request("tf2", "__saved_model_init_op"))

    def test_without_the_check_they_are_answered(self, two):
        request = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0, name="tf2")
        assert two.prediction.Regress(request).result.regressions[0].value == 3.0


def test_requests_in_batches_of_the_original_parameters(tf_serving_testdata):
    batching = parameters.read(tf_serving_testdata / "batching_config.txt")
    config = model_config.single_model("half", str(tf_serving_testdata / TWO_VERSIONS))
    with serving(config, batching=batching) as (_, stubs):
        calls = [
            stubs.prediction.Predict.future(predict_request(value=float(value)))
            for value in range(100)
        ]
        for value, call in enumerate(calls):
            assert list(call.result().outputs["y"].float_val) == [value / 2 + 2]
        request = examples(regression_pb2.RegressionRequest, "regress_x_to_y", 2.0, 4.0)
        values = [r.value for r in stubs.prediction.Regress(request).result.regressions]
        assert values == [3.0, 4.0]


def test_numbers_in_tensor_content(tf_serving_testdata):
    config = model_config.single_model("half", str(tf_serving_testdata / TWO_VERSIONS))
    with serving(config, tensor_content=True) as (_, stubs):
        y = stubs.prediction.Predict(predict_request()).outputs["y"]
        assert y.tensor_content == np.array([3.0], "<f4").tobytes()
        assert not y.float_val


def test_requests_in_tensor_content(two):
    request = predict_request()
    request.inputs["x"].ClearField("float_val")
    request.inputs["x"].tensor_content = np.array([2.0], "<f4").tobytes()
    assert list(two.prediction.Predict(request).outputs["y"].float_val) == [3.0]


def test_nothing_is_left_behind(tf_serving_testdata):
    before = threading.active_count()
    config = model_config.single_model("half", str(tf_serving_testdata / TWO_VERSIONS))
    batching = parameters.BatchingParameters()
    for _ in range(2):
        with serving(config, batching=batching, rest_port=0) as (_, stubs):
            assert predict(stubs) == (124, [3.0])
    assert threading.active_count() <= before + 2  # channels end their threads a little later
