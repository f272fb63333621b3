"""Which versions a model should have, and what to do next to get there: pure functions."""

import enum
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

_STATES = get_model_status_pb2.ModelVersionStatus.State


class State(enum.IntEnum):
    """Where a version stands between appearing on disk and being gone."""

    START = _STATES.Value("START")
    LOADING = _STATES.Value("LOADING")
    AVAILABLE = _STATES.Value("AVAILABLE")
    UNLOADING = _STATES.Value("UNLOADING")
    END = _STATES.Value("END")


class Standing(NamedTuple):
    """A version's state, and whether the policy wants it served."""

    state: State
    aspired: bool


def aspired_versions(base_path: str, policy: Any) -> dict[int, str]:
    """Folders of the versions that the policy wants, by number.

    Args:
        base_path: folder whose sub-folders are the versions; other names are passed over.
        policy: a ServableVersionPolicy message: `latest` (the default, of one version), `all` or
            `specific`.

    Raises:
        tf.errors.OpError: the folder cannot be listed.
    """
    found = {}
    for child in sorted(tf.io.gfile.listdir(base_path)):
        name = child.rstrip("/")
        if re.fullmatch(r"\d{1,18}", name):
            found[int(name)] = f"{base_path.rstrip('/')}/{name}"
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        wanted = set(found)
    elif choice == "specific":
        wanted = set(found) & set(policy.specific.versions)
    else:
        wanted = set(sorted(found)[-max(1, policy.latest.num_versions) :])
    return {version: found[version] for version in sorted(wanted)}


def next_step(versions: Mapping[int, Standing]) -> tuple[str, int] | None:
    """The next thing to do for a model, as TensorFlow Serving's AvailabilityPreservingPolicy.

    An old version is unloaded only once a wanted one is available (or none is wanted), the newest
    wanted version is loaded first.

    Returns:
        `("unload", version)`, `("load", version)`, or None if there is nothing to do now.
    """
    aspired = [standing for standing in versions.values() if standing.aspired]
    unwanted = [
        version
        for version, standing in versions.items()
        if standing == Standing(State.AVAILABLE, aspired=False)
    ]
    serving = any(standing.state is State.AVAILABLE for standing in aspired)
    if unwanted and (not aspired or serving or len(unwanted) > 1):
        return "unload", min(unwanted)
    new = [
        version
        for version, standing in versions.items()
        if standing == Standing(State.START, aspired=True)
    ]
    return ("load", max(new)) if new else None
