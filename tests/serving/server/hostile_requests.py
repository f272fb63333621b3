"""Requests that no honest client sends, and the status that each must get."""

import dataclasses
import random
from collections.abc import Callable, Iterator

import grpc
import numpy as np
from serving_helpers import photo, photo_request
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_status_pb2,
    predict_pb2,
    regression_pb2,
)

from serving import tensors

Code = grpc.StatusCode
PREDICTION = "/tensorflow.serving.PredictionService/"
MODEL = "/tensorflow.serving.ModelService/"


@dataclasses.dataclass(frozen=True)
class Hostile:
    """A request as bytes, the method it goes to, and the answer that it must get."""

    name: str
    method: str
    body: bytes
    code: grpc.StatusCode
    words: str = ""


Change = Callable[[predict_pb2.PredictRequest], object]


def _predict(name: str, change: Change, code: Code, words: str = "") -> Hostile:
    request = photo_request()
    change(request)
    return Hostile(name, PREDICTION + "Predict", request.SerializeToString(), code, words)


def _shaped(alias: str, *dims: int) -> Change:
    def change(request: predict_pb2.PredictRequest) -> None:
        request.inputs[alias].tensor_shape.ClearField("dim")
        for size in dims:
            request.inputs[alias].tensor_shape.dim.add(size=size)

    return change


def _input(alias: str, value: object) -> Change:
    return lambda request: request.inputs[alias].CopyFrom(tensors.to_proto(np.asarray(value)))


def _field(alias: str, **fields: object) -> Change:
    def change(request: predict_pb2.PredictRequest) -> None:
        for name, value in fields.items():
            if isinstance(value, list):
                getattr(request.inputs[alias], name)[:] = value
            else:
                setattr(request.inputs[alias], name, value)

    return change


def _image(content: bytes) -> Change:
    return _input("image", np.array([content], object))


def _spec(**fields: object) -> Change:
    def change(request: predict_pb2.PredictRequest) -> None:
        for name, value in fields.items():
            if name == "version":
                request.model_spec.version.value = value
            else:
                setattr(request.model_spec, name, value)

    return change


def _filter(*aliases: str) -> Change:
    return lambda request: request.output_filter.extend(aliases)


def _shapes() -> Iterator[Hostile]:
    bad = Code.INVALID_ARGUMENT
    for alias in ("age", "country", "image"):
        error = f"tensor parsing error: {alias}"
        for name, dims in {
            "terabytes": (10**12,),
            "the largest number": (2**63 - 1,),
            "negative": (-1,),
            "the smallest number": (-(2**63),),
            "an overflowing product": (2**32, 2**32),
            "a product that overflows to 1": (2**63 - 1, 2**63 - 1),
            "a negative product": (-3, -3),
            "a thousand dimensions": (2,) * 1000,
        }.items():
            yield _predict(f"{alias}: {name}", _shaped(alias, *dims), bad, error)
        yield _predict(
            f"{alias}: unknown rank",
            lambda r, a=alias: setattr(r.inputs[a].tensor_shape, "unknown_rank", True),
            bad,
            error,
        )
        yield _predict(f"{alias}: a gigabyte", _shaped(alias, 2**28), bad)
        yield _predict(f"{alias}: another batch", _shaped(alias, 2), bad)
        yield _predict(f"{alias}: a matrix", _shaped(alias, 1, 1), bad)
        yield _predict(f"{alias}: a scalar", _shaped(alias), bad)
        yield _predict(f"{alias}: many dimensions", _shaped(alias, *(1,) * 200), bad)
    yield _predict("nothing at all", lambda r: [_shaped(a, 0)(r) for a in list(r.inputs)], Code.OK)
    yield _predict("an empty image batch", _shaped("image", 0), bad)


def _types() -> Iterator[Hostile]:
    bad = Code.INVALID_ARGUMENT
    for name, number in types_pb2.DataType.items():
        if name != "DT_FLOAT":
            yield _predict(f"age as {name}", _field("age", dtype=number), bad)
    yield _predict("age as a type to come", _field("age", dtype=9999), bad, "parsing error: age")
    yield _predict("image of numbers", _input("image", np.array([1.0], np.float32)), bad)
    yield _predict("country of numbers", _input("country", np.array([1])), bad)
    for alias in ("age", "image"):
        for name, content in {
            "one byte": b"x",
            "seven bytes": b"1234567",
            "a megabyte": b"x" * 2**20,
            "endless lengths": b"\xff" * 64,
        }.items():
            yield _predict(
                f"{alias}: content of {name}",
                _field(alias, tensor_content=content),
                bad,
                f"tensor parsing error: {alias}",
            )


def _names() -> Iterator[Hostile]:
    for name in (
        "nobody",
        "../../etc/passwd",
        "/etc/passwd",
        "tags/../tags",
        "tags\x00",
        "tags\n",
        " tags",
        "Tags",
        "%s%n{0}",
        "'; DROP TABLE models",
        "💥" * 300,
        "x" * 2**20,
    ):
        yield _predict(f"model {name[:20]!r}", _spec(name=name), Code.NOT_FOUND, "Servable not")
        yield _predict(
            f"signature {name[:20]!r}",
            _spec(signature_name=name),
            Code.FAILED_PRECONDITION,
            "Serving signature key",
        )
        yield _predict(
            f"label {name[:20]!r}",
            _spec(version_label=name),
            Code.INVALID_ARGUMENT,
            "Unrecognized servable version label",
        )
        yield _predict(
            f"output {name[:20]!r}",
            _filter(name),
            Code.INVALID_ARGUMENT,
            "output tensor alias not found in signature",
        )
        yield _predict(
            f"input {name[:20]!r}",
            lambda r, n=name: r.inputs[n].CopyFrom(r.inputs["age"]),
            Code.INVALID_ARGUMENT,
            "invalid name",
        )
    yield _predict("no model", _spec(name=""), Code.INVALID_ARGUMENT, "no name specified")
    for version in (0, -1, 3, 2**63 - 1, -(2**63)):
        yield _predict(f"version {version}", _spec(version=version), Code.NOT_FOUND, "Specific(")
    yield _predict("an output twice", _filter("scores", "scores"), Code.INVALID_ARGUMENT, "dupl")
    yield _predict("100,000 outputs", _filter(*["scores"] * 10**5), Code.INVALID_ARGUMENT, "dupl")
    yield _predict(
        "100,000 inputs",
        lambda r: [r.inputs[str(i)].SetInParent() for i in range(10**5)],
        Code.INVALID_ARGUMENT,
        "invalid name",
    )
    yield _predict("no inputs", lambda r: r.inputs.clear(), Code.INVALID_ARGUMENT, "input alias")


def _images() -> Iterator[Hostile]:
    png = photo()
    for name, content in {
        "empty": b"",
        "text": b"<svg/>",
        "zeros": bytes(10**6),
        "half a PNG": png[: len(png) // 2],
        "a PNG's head": png[:8],
        "a PNG with a wrong checksum": png[:40] + b"\x00" + png[41:],
        "a PNG that claims 2^31 pixels a side": png[:16] + b"\x7f\xff\xff\xff" * 2 + png[24:],
        "a JPEG's head": b"\xff\xd8\xff\xe0",
        "a JPEG of nothing": b"\xff\xd8\xff\xd9",
        "a GIF's head": b"GIF89a" + b"\xff" * 7,
        "a BMP's head": b"BM" + b"\xff" * 52,
    }.items():
        yield _predict(f"image: {name}", _image(content), Code.INVALID_ARGUMENT)


def _other_methods() -> Iterator[Hostile]:
    bad = Code.INVALID_ARGUMENT
    for method in ("Predict", "Classify", "Regress", "GetModelMetadata"):
        yield Hostile(f"{method} of nothing", PREDICTION + method, b"", bad, "Missing ModelSpec")
    yield Hostile("MultiInference of nothing", PREDICTION + "MultiInference", b"", bad)
    yield Hostile("status of nothing", MODEL + "GetModelStatus", b"", bad, "Missing ModelSpec")
    yield Hostile("reload of nothing", MODEL + "HandleReloadConfigRequest", b"", bad, "Only Model")
    yield Hostile("a method of its own", PREDICTION + "Format", b"", Code.UNIMPLEMENTED)
    yield Hostile("a service of its own", "/etc/passwd", b"", Code.UNIMPLEMENTED)

    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name = "tags"
    classify.model_spec.signature_name = "classify"
    classify.input.example_list.examples.add()
    yield Hostile(
        "an example without features",
        PREDICTION + "Classify",
        classify.SerializeToString(),
        bad,
        "image",
    )
    feature = classify.input.example_list.examples[0].features.feature["image"]
    feature.int64_list.value.append(1)
    yield Hostile(
        "a feature of another type", PREDICTION + "Classify", classify.SerializeToString(), bad
    )
    regress = regression_pb2.RegressionRequest(model_spec=classify.model_spec)
    regress.input.CopyFrom(classify.input)
    yield Hostile(
        "regression of a classification",
        PREDICTION + "Regress",
        regress.SerializeToString(),
        bad,
        "Expected outputs",
    )
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "../tags"
    yield Hostile(
        "status of a path",
        MODEL + "GetModelStatus",
        status.SerializeToString(),
        Code.NOT_FOUND,
        "Could not find any versions of model ../tags",
    )


def _no_messages() -> Iterator[Hostile]:
    whole = photo_request().SerializeToString()
    for method in ("Predict", "Classify", "GetModelMetadata"):
        for name, body in {
            "0xff": b"\xff" * 100,
            "an endless varint": b"\x08" + b"\xff" * 20,
            "a length beyond the end": b"\x0a\xff\xff\xff\xff\x07x",
            "a group without an end": b"\x0b",
            "field number 0": b"\x00\x00",
            "a name that is not UTF-8": b"\x0a\x04\x0a\x02\xff\xfe",
            "a truncated request": whole[:-1],
            "nested without end": b"\x0a\x7f" * 300,
        }.items():
            yield Hostile(f"{method}: {name}", PREDICTION + method, body, Code.INTERNAL)


def table() -> list[Hostile]:
    """All of them."""
    parts = (_shapes, _types, _names, _images, _other_methods, _no_messages)
    return [hostile for part in parts for hostile in part()]


def mutated(seed: int) -> bytes:
    """A good request with bytes changed, cut out, put in or repeated at random."""
    rng = random.Random(seed)
    body = bytearray(photo_request().SerializeToString())
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(body))
        match rng.randrange(5):
            case 0:
                body[place] = rng.randrange(256)
            case 1:
                body[place] ^= 1 << rng.randrange(8)
            case 2:
                del body[place : place + rng.randint(1, 20)]
            case 3:
                body[place:place] = rng.randbytes(rng.randint(1, 20))
            case 4:
                body[place:place] = body[place : place + rng.randint(1, 40)]
        if not body:
            break
    return bytes(body)
