"""The steps of a rollout as edits of a model's release: pure functions.

    steady --canary--> tried --promote--> promoted --finish--> steady
                       tried --rollback--> steady <--rollback-- promoted

A version is loaded before a label points to it, and unloaded after none does: a step is one edit of
the config, or two that must not be one. Servers take an edit over before the next one is made. What
an interrupted step has done already is not done again.
"""

from collections.abc import Callable
from typing import NamedTuple

from serving.releases.release import Release
from tagkeras.cli.errors import UserError


class Asked(NamedTuple):
    """What a step is asked for.

    Attributes:
        model: its name, for messages.
        version: the number that was given; None for the one that follows from the release.
        newest: the newest version in the model's folder; None where the folder is not visible.
        running: whether servers follow each edit.
    """

    model: str
    version: int | None = None
    newest: int | None = None
    running: bool = False


class NothingToRollBackError(UserError):
    """The file is as a rollback would leave it."""


def start(release: Release | None, asked: Asked) -> list[Release]:
    """The edits that make a version the first stable one.

    For servers that are not started yet it is one edit. Those that run give a label only to what
    they have loaded.

    Raises:
        UserError: the model has another stable version, or no version is known.
    """
    if release is not None and release.stable is not None:
        if asked.version in (None, release.stable):
            return []
        raise UserError(
            f"version {release.stable} of {asked.model} is stable already: the step for another "
            f"version is canary"
        )
    version = _wanted(asked)
    loaded = (release or Release((), {})).with_version(version)
    labelled = loaded.labelled(stable=version, canary=version)
    return _edits(release, loaded, labelled) if asked.running else _edits(release, labelled)


def canary(release: Release | None, asked: Asked) -> list[Release]:
    """The edits that load a version and give it the label `canary`.

    Raises:
        UserError: the version is stable already, another one is tried, or one is still kept for a
            rollback.
    """
    release = _started(release, asked)
    version = _wanted(asked)
    if release.canary == version:
        return []
    if version == release.stable:
        raise UserError(
            f"version {version} of {asked.model} is the stable one"
            + (": export another, or name one by --version" if asked.version is None else "")
        )
    if release.canary is not None:
        raise UserError(
            f"version {release.canary} of {asked.model} is the canary: promote it or roll it back "
            f"before version {version} is tried"
        )
    if release.previous is not None:
        raise UserError(
            f"version {release.previous} of {asked.model} is kept for a rollback of the last "
            f"promotion: finish that before version {version} is tried"
        )
    loaded = release.with_version(version)
    return _edits(release, loaded, loaded.labelled(canary=version))


def promote(release: Release | None, asked: Asked) -> list[Release]:
    """The edit that makes the canary stable; the stable version stays loaded as `previous`.

    Raises:
        UserError: there is no canary, or it is another version than the given one.
    """
    release = _started(release, asked)
    promoted = release.canary is None and release.previous is not None
    if promoted and asked.version in (None, release.stable):
        return []
    if release.canary is None:
        raise UserError(
            f"{asked.model} has no canary to promote: version {release.stable} is stable"
        )
    if asked.version not in (None, release.canary):
        raise UserError(
            f"the canary of {asked.model} is version {release.canary}, not {asked.version}"
        )
    return [release.labelled(stable=release.canary, previous=release.stable)]


def rollback(release: Release | None, asked: Asked) -> list[Release]:
    """The edits that take the canary or, if it was promoted, the promotion back.

    Raises:
        NothingToRollBackError: there is nothing to go back to, and no version was given.
        UserError: it goes back to another version than the given one.
    """
    release = _started(release, asked)
    back = release
    if release.canary is not None:
        back = release.labelled(canary=release.stable)
    elif release.previous is not None:
        back = release.labelled(stable=release.previous, canary=release.previous, previous=None)
    if asked.version not in (None, back.stable):
        raise UserError(
            f"a rollback of {asked.model} goes to version {back.stable}, not {asked.version}"
        )
    edits = _edits(release, back, back.only_labelled())
    if not edits and asked.version is None:
        # Nobody shall believe that a version was taken back when it was not.
        raise NothingToRollBackError(
            f"{asked.model} has nothing to roll back: version {release.stable} is the only one "
            "served; to go back to an older one, make it the canary by --version, then promote it"
        )
    return edits


def finish(release: Release | None, asked: Asked) -> list[Release]:
    """The edits that give the version before the promotion up and unload it.

    Raises:
        UserError: a canary is still tried.
    """
    release = _started(release, asked)
    if release.canary is not None:
        raise UserError(
            f"version {release.canary} of {asked.model} is still tried: promote it or roll it back"
        )
    if asked.version not in (None, release.stable):
        raise UserError(f"version {release.stable} of {asked.model} is stable, not {asked.version}")
    without = release.labelled(previous=None)
    return _edits(release, without, without.only_labelled())


STEPS: dict[str, Callable[[Release | None, Asked], list[Release]]] = {
    "start": start,
    "canary": canary,
    "promote": promote,
    "rollback": rollback,
    "finish": finish,
}


def _edits(release: Release | None, *wanted: Release) -> list[Release]:
    """Those of the releases, one after the other, that change anything."""
    edits = []
    for following in wanted:
        if following != release:
            edits.append(following)
        release = following
    return edits


def _started(release: Release | None, asked: Asked) -> Release:
    if release is None or release.stable is None:
        raise UserError(f"{asked.model} has no version with the label stable: start gives it")
    return release


def _wanted(asked: Asked) -> int:
    version = asked.newest if asked.version is None else asked.version
    if version is None:
        raise UserError(
            f"the versions of {asked.model} are not to be seen from here: name one by --version"
        )
    return version
