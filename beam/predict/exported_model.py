"""What an exported model can be asked, read from its files without loading it."""

import dataclasses
import json
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from beam.posts.parse import IMAGE
from beam.posts.peek import InputKind
from beam.predict.config import USER_EMBEDDING
from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import FACTS, Fact, make_facts

_EXPORT = "name a version folder that python -m tagkeras.export wrote"


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """An exported model: the path or URI of its folder, and the facts that it asks for.

    `inputs` are, of each signature, the shape of each input, the batch dimension left out.
    """

    path: str
    inputs: dict[str, dict[str, tuple[int, ...]]]
    facts: tuple[Fact, ...]

    @classmethod
    def read(cls, path: str) -> "ExportedModel":
        """Reads the signatures of a SavedModel; a `UserError` if `tagkeras.export` wrote none."""
        file = storage.join(path, "saved_model.pb")
        if not storage.exists(file):
            raise UserError(f"--model={path}: no SavedModel there; {_EXPORT}")
        proto = saved_model_pb2.SavedModel()
        with storage.reading(file) as local:
            try:
                proto.ParseFromString(local.read_bytes())
                signatures = proto.meta_graphs[0].signature_def
            except Exception as error:  # protobuf's own, and an index out of range
                raise UserError(f"--model={path}: a damaged SavedModel; {_EXPORT}") from error
        shapes = {
            name: {
                key: tuple(dim.size for dim in info.tensor_shape.dim[1:])
                for key, info in signature.inputs.items()
            }
            for name, signature in signatures.items()
        }
        if "descriptor" not in shapes.get("descriptor", {}):
            raise UserError(f"--model={path} has no signature 'descriptor'; {_EXPORT}")
        own = shapes["descriptor"].keys() - {"descriptor", *(fact.name for fact in FACTS)}
        inputs = signatures["descriptor"].inputs
        categories = sorted(name for name in own if inputs[name].dtype == types_pb2.DT_STRING)
        try:
            facts = make_facts(categories, sorted(own.difference(categories)))
        except ValueError as error:
            raise UserError(f"--model={path}: {error}; {_EXPORT}") from error
        return cls(storage.absolute(path), shapes, facts)

    @property
    def descriptor_size(self) -> int:
        """n, the length of a descriptor."""
        return self.inputs["descriptor"]["descriptor"][0]

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width of decoded images; None for a model that takes descriptors alone."""
        if "pixels_descriptor" not in self.inputs:
            return None
        height, width, _ = self.inputs["pixels_descriptor"]["pixels"]
        return height, width

    @property
    def embedding_signature(self) -> str:
        """The signature from descriptor and user to phi."""
        return "descriptor_embedding" if self.image_size else "image_embedding"

    def check(self, outputs: tuple[str, ...], kind: InputKind) -> None:
        """Raises a `UserError` if the model cannot give some outputs of some posts."""
        if USER_EMBEDDING in outputs and "user_embedding" not in self.inputs:
            raise UserError(
                f"--outputs={USER_EMBEDDING}: {self.path} is no multiplicative model and has no"
                " user vectors: leave it out"
            )
        if kind.kind == IMAGE and self.image_size is None:
            raise UserError(
                f"the posts have images, but --model={self.path} cannot describe them: it was"
                " trained on ready descriptors, or exported by an older version"
            )
        if kind.descriptor_size not in (None, self.descriptor_size):
            raise UserError(
                f"the posts have descriptors of {kind.descriptor_size} values, --model={self.path}"
                f" takes {self.descriptor_size}: describe them by the CNN that it was trained with"
            )

    def provenance(self) -> dict[str, Any]:
        """What the export says of itself: its version, fingerprint, epoch and vocabulary."""
        with storage.reading_folder(self.path) as local:
            fingerprint = tf.saved_model.experimental.read_fingerprint(str(local))
            extra = local / "assets.extra" / "tagkeras.json"
            export = json.loads(extra.read_text(encoding="utf-8")) if extra.is_file() else {}
        return {
            "version": self.path.rstrip("/").rpartition("/")[2],
            "fingerprint": f"{fingerprint.saved_model_checksum:016x}",
            "epoch": export.get("epoch"),
            "num_tags": export.get("dataset", {}).get("num_tags"),
        }
