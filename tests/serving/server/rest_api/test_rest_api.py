"""The REST API over a socket: what it answers, and what it refuses with which status."""

import base64
import json
import math

import pytest
from serving_helpers import photo

USER = {"age": math.nan, "gender": "", "country": "GB", "latitude": math.nan, "longitude": math.nan}
HALF = "/v1/models/half"
TAGS = "/v1/models/tags"


def b64(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"x": 3.0}, {"x": 4.0}]},
        {"signature_name": "", "instances": [3.0, 4.0], "more": None},
    ],
)
@pytest.mark.parametrize("version", ["", "/versions/124", "/versions/0000124"])
def test_named_rows_signatures_and_versions(half, body, version):
    assert half.post(f"{HALF}{version}:predict", body) == {"predictions": [3.5, 4.0]}


def test_classify_and_regress(half):
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}, {"x": [20.0]}]}
    assert half.post(f"{HALF}:regress", body) == {"results": [42.0, 12.0]}
    body["signature_name"] = "classify_x_to_y"
    assert half.post(f"{HALF}/versions/124:classify", body) == {
        "results": [[["", 42.0]], [["", 12.0]]]
    }
    shared = {"signature_name": "regress_x_to_y", "context": {"x": 80.0}, "examples": [{}, {}]}
    assert half.post(f"{HALF}:regress", shared) == {"results": [42.0, 42.0]}


def test_a_hashtag_model_by_rows_and_columns(tags):
    row = {"image": b64(photo(0)), **USER}
    rows = tags.post(f"{TAGS}/versions/1:predict", {"instances": [row, {**row, "age": 50.0}]})
    # football 0.3 + 1 for GB, soccer 0.2, dog 0.1; tbt -0.1 + 50/100
    assert [each["hashtags"] for each in rows["predictions"]] == [
        ["football", "soccer", "dog"],
        ["football", "tbt", "soccer"],
    ]
    assert rows["predictions"][1]["scores"] == pytest.approx([1.3, 0.4, 0.2])
    columns = {name: [row[name]] for name in row}
    outputs = tags.post(f"{TAGS}/labels/old:predict", {"inputs": columns})["outputs"]
    assert outputs["hashtags"] == [["football", "soccer", "dog"]]
    newest = tags.post(f"{TAGS}:predict", {"inputs": columns})["outputs"]
    assert newest["scores"][0] == pytest.approx([2.3, 1.2, 1.1])


def test_a_hashtag_model_classifies(tags):
    example = {"image": b64(photo(0)), "country": "US"}
    body = {"signature_name": "classify", "examples": [example]}
    (classes,) = tags.post(f"{TAGS}/versions/1:classify", body)["results"]
    assert [label for label, _ in classes] == ["soccer", "football", "dog"]
    assert [score for _, score in classes] == pytest.approx([1.2, 0.3, 0.1])
    # An integer makes an int64 feature, which the model's float one does not take.
    body["examples"] = [{**example, "age": 34}]
    status, message = tags.error("POST", f"{TAGS}:classify", body)
    assert status == 400
    assert "age" in message


def test_every_type(echo):
    body = {
        "signature_name": "all_types",
        "inputs": {
            "photo": ["é", "\n"],
            "d": [0.1, 1e300],
            "i": [-(2**63), 2**63 - 1],
            "u": [0, 255],
            "b": [True, False],
        },
    }
    outputs = echo.post("/v1/models/echo:predict", body)["outputs"]
    expected = dict(body["inputs"])
    expected["text"] = expected.pop("photo")
    expected["photo_bytes"] = [b64("é".encode()), b64(b"\n")]
    assert outputs == expected
    assert list(outputs) == sorted(expected)
    rows = {"instances": [b64(bytes(range(256))), b64(b"")]}
    assert echo.post("/v1/models/echo:predict", rows) == {"predictions": rows["instances"]}
    body = {"signature_name": "complex", "inputs": [1]}
    status, message = echo.error("POST", "/v1/models/echo:predict", body)
    assert status == 501
    assert "complex64" in message


def test_status(tags):
    def version(number):
        return {
            "version": number,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }

    response = tags.ask("GET", TAGS)
    assert response.json() == {"model_version_status": [version("2"), version("1")]}
    assert response.headers["Content-Type"] == "application/json"
    response = tags.ask("GET", f"{TAGS}/versions/1")
    assert response.json() == {"model_version_status": [version("1")]}
    assert len(tags.ask("GET", f"{TAGS}/labels/old").json()["model_version_status"]) == 2


def test_metadata(half, tf_serving_testdata):
    response = half.ask("GET", f"{HALF}/versions/124/metadata")
    assert response.status == 200
    document = response.json()
    text = (tf_serving_testdata / "half_plus_two_model_metadata.json").read_text()
    assert document["model_spec"] == {"name": "half", "signature_name": "", "version": "124"}
    expected = json.loads(text)["metadata"]["signature_def"]["signature_def"]
    answered = document["metadata"]["signature_def"]["signature_def"]
    assert {name: answered[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v1/models/none", 404, "versions of model none"),
        ("GET", f"{TAGS}/labels/no/metadata", 400, "version label: no"),
        ("POST", f"{TAGS}/labels/n%6F:predict", 400, "version label: no"),
        ("POST", "/v1/models/a%2Fb:predict", 404, "Latest(a/b)"),
        ("POST", f"{TAGS}/versions/9:predict", 404, "Specific(tags, 9)"),
        ("GET", "/v1/models", 400, "Missing model name"),
        ("GET", f"{TAGS}:predict", 400, "Malformed"),
        ("GET", f"{TAGS}?a=b", 404, "model tags?a=b"),
        ("POST", f"{TAGS}:predict?a=b", 400, "Malformed"),
        ("POST", f"{TAGS}:explain", 400, "Malformed"),
        ("POST", f"{TAGS}/versions/1/labels/old:predict", 400, "Malformed"),
        ("POST", f"{TAGS}/versions/{2**64}:predict", 400, "Failed to convert version"),
        ("OPTIONS", TAGS, 400, "Malformed"),
    ],
)
def test_paths_that_lead_nowhere(tags, method, path, status, words):
    body = {"instances": [1]} if method == "POST" else None
    answered, message = tags.error(method, path, body)
    assert answered == status
    assert words in message


def test_paths_are_understood_in_capitals(half):
    assert half.post("/V1/Models/half:predict", {"instances": [1]}) == {"predictions": [2.5]}
