"""Which versions of a model are served, and under which labels."""

import dataclasses
from collections.abc import Mapping

STABLE = "stable"
CANARY = "canary"
PREVIOUS = "previous"
MAX_VERSION = 2**63 - 1  # an int64 of the config


@dataclasses.dataclass(frozen=True)
class Release:
    """The versions of one model that a config asks for.

    The label `canary` points to the stable version while nothing is tried, so that those who ask
    for it are always answered. `previous` keeps the version before loaded after a promotion: a
    label that moves back to it needs no load.

    Attributes:
        versions: to be loaded, ascending.
        labels: versions by label.
    """

    versions: tuple[int, ...]
    labels: Mapping[str, int]

    @property
    def stable(self) -> int | None:
        """The version for everyone; None without the label."""
        return self.labels.get(STABLE)

    @property
    def canary(self) -> int | None:
        """The version that is tried; None if `canary` points nowhere or to the stable one."""
        version = self.labels.get(CANARY)
        return None if version == self.stable else version

    @property
    def previous(self) -> int | None:
        """The version that a rollback goes back to; None without the label."""
        return self.labels.get(PREVIOUS)

    @property
    def label_names(self) -> list[str]:
        """The labels in the order of people: ours first, then those of others."""
        return _in_order(self.labels)

    def labelled(self, **labels: int | None) -> "Release":
        """The same with labels moved, or taken away by None; no version is unloaded."""
        moved = {**self.labels, **labels}
        kept = {label: version for label, version in moved.items() if version is not None}
        return Release(_ascending({*self.versions, *kept.values()}), kept)

    def with_version(self, version: int) -> "Release":
        """The versions that labels need, and this one."""
        return Release(_ascending({*self.labels.values(), version}), self.labels)

    def only_labelled(self) -> "Release":
        """Without the versions that no label needs."""
        return Release(_ascending(self.labels.values()), self.labels)

    def __str__(self) -> str:
        labels = ", ".join(f"{label} {self.labels[label]}" for label in self.label_names)
        return f"versions {_listed(self.versions)}; {labels or 'no labels'}"


def changes(old: Release | None, new: Release) -> list[str]:
    """What differs, each in words: `versions 1 -> 1, 2` or `canary 1 -> 2`."""
    old = old or Release((), {})
    words = []
    if old.versions != new.versions:
        words.append(f"versions {_listed(old.versions)} -> {_listed(new.versions)}")
    for label in _in_order({**old.labels, **new.labels}):
        before, after = old.labels.get(label), new.labels.get(label)
        if before != after:
            words.append(f"{label} {before or 'none'} -> {after or 'none'}")
    return words


def _ascending(versions: object) -> tuple[int, ...]:
    return tuple(sorted(set(versions)))  # type: ignore[call-overload]


def _in_order(labels: Mapping[str, int]) -> list[str]:
    """Ours first, then those of others."""
    ours = [label for label in (STABLE, CANARY, PREVIOUS) if label in labels]
    return ours + sorted(set(labels) - set(ours))


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions)) or "none"
