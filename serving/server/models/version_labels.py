"""Labels of versions, such as `stable`: which a config may assign."""

from collections.abc import Callable, Mapping

from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import failed_precondition

Labels = Mapping[str, Mapping[str, int]]


def assign(
    config: model_server_config_pb2.ModelServerConfig,
    old: Labels,
    is_available: Callable[[str, int], bool],
    *,
    allow_unavailable: bool = False,
) -> Labels:
    """The labels of a config: versions by label, by model.

    Args:
        config: a ModelServerConfig with a `model_config_list`.
        old: the labels in use.
        is_available: whether a model's version can answer.
        allow_unavailable: a label that is not in use may point to a version that cannot yet.

    Raises:
        ServingError: `FAILED_PRECONDITION`: a label points to a version that is not available.
    """
    labels: dict[str, dict[str, int]] = {}
    for model in config.model_config_list.config:
        in_use = old.get(model.name, {})
        for label, version in model.version_labels.items():
            # A label in use never moves to a version that could not answer.
            early = allow_unavailable and in_use.get(label, version) == version
            if not early and not is_available(model.name, version):
                raise failed_precondition(
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference"
                )
            labels.setdefault(model.name, {})[label] = version
    return labels
