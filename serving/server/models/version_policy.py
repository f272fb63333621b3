"""Which versions a model should have, and what to do next to get there: pure functions."""

import enum
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

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


def wanted_versions(found: Collection[int], policy: Any) -> list[int]:
    """Those of the versions found that the policy wants, the oldest first.

    Args:
        found: versions that there are.
        policy: a ServableVersionPolicy message: `latest` (the default, of one version), `all` or
            `specific`.
    """
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return sorted(found)
    if choice == "specific":
        return sorted(set(found) & set(policy.specific.versions))
    return sorted(found)[-max(1, policy.latest.num_versions) :]


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
