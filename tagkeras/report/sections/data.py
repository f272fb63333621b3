"""Section: what the data and the models were, counts that add up, commands to make them again."""

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from tagkeras import __version__
from tagkeras.data.manifest import Manifest
from tagkeras.report.commands import differing_flags, evaluate_command, train_command
from tagkeras.report.figures.looks import label_of
from tagkeras.report.formats import count, plural
from tagkeras.report.material import Material
from tagkeras.report.runs import RunGroup
from tagkeras.report.sections.section import Section

_LIBRARIES = ("tensorflow", "keras", "numpy", "matplotlib", "scikit-learn")
_KEYS = {
    "ephemeral": "a random key of that run, kept nowhere",
    "file": "the key of a file",
    "environment": "the key of the environment",
}


def build(material: Material) -> Section:
    """All that is noted of datasets and runs."""
    return Section(
        id="data",
        title="Data, runs and commands",
        short="Data",
        content={
            "datasets": [_dataset(group) for group in material.groups],
            "runs": [run for group in material.groups for run in _runs(group)],
            "several": len(material.groups) > 1,
            "versions": _versions(),
            "command": material.settings.command,
        },
    )


def _dataset(group: RunGroup) -> dict[str, Any]:
    manifest = group.manifest
    facts: dict[str, Any] = {"group": group, "manifest": manifest}
    facts["path"] = group.first.metrics["dataset"]["path"]
    facts["fingerprint"] = group.first.metrics["dataset"]["fingerprint"]
    if manifest is None:
        return facts
    return facts | {"sum": _sum(manifest), "facts": _facts(manifest)}


def _sum(manifest: Manifest) -> dict[str, Any] | None:
    """What became of the posts that were read; None where it was not noted."""
    counts = manifest.counts
    if not counts:
        return None
    rows = [
        *((f"{split} split", posts["posts"], "") for split, posts in manifest.splits.items()),
        *(("rejected", number, reason) for reason, number in counts["rejected"].items()),
        *(("dropped", number, rule) for rule, number in counts["dropped"].items()),
    ]
    return {
        "rows": rows,
        "read": counts["posts_read"],
        "adds_up": sum(row[1] for row in rows) == counts["posts_read"],
    }


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    """Name and value, for people."""
    train = manifest.splits["train"]
    facts = [
        ("hashtags", f"{count(manifest.num_tags)} in the vocabulary"),
        ("training pairs", f"{count(train.get('tag_pairs', 0))} of a post and a hashtag"),
        ("distribution", _distribution(manifest.distribution)),
        (
            "image descriptor",
            f"{count(manifest.descriptor_size)} values, {manifest.descriptor_dtype}, "
            + (_cnn(manifest.cnn) if manifest.cnn else "handed in ready"),
        ),
        (
            "user descriptor",
            f"{manifest.user_descriptor['size']} values: age, gender, country (one of"
            f" {', '.join(manifest.user_descriptor['countries'])}), home town to"
            f" {plural(manifest.user_descriptor['location_decimals'], 'decimal')}",
        ),
    ]
    if removed := train.get("tag_pairs_removed"):
        facts.append(("taken off by balancing", f"{count(removed)} training pairs"))
    unknown = {name: s["out_of_vocabulary"] for name, s in manifest.splits.items()
               if s.get("out_of_vocabulary")}  # fmt: skip
    if unknown:
        words = ", ".join(f"{count(number)} in {name}" for name, number in unknown.items())
        facts.append(("hashtags outside the vocabulary", words))
    if refused := manifest.counts.get("hashtags_refused"):
        facts.append(("hashtags refused", f"{count(refused)}, which were none once normalised"))
    if manifest.fractions:
        words = ", ".join(f"{name} {100 * part:g}%" for name, part in manifest.fractions.items())
        facts.append(("splits", f"no user is in two; asked for: {words} of the users"))
    facts += _privacy(manifest.privacy)
    if manifest.versions:
        words = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
        facts.append(("made with", words))
    return facts


def _distribution(distribution: Mapping[str, Any]) -> str:
    if target := distribution.get("target"):
        return f"{distribution['name']}: hashtags thinned out to {target:g} training posts"
    return str(distribution["name"])


def _cnn(cnn: Mapping[str, Any]) -> str:
    sha = str(cnn.get("weights_sha256", ""))[:12]
    return f"layer {cnn.get('layer')} of {cnn.get('name')}" + (f", weights {sha}" if sha else "")


def _privacy(privacy: Mapping[str, Any]) -> list[tuple[str, str]]:
    if not privacy:
        return []
    key = _KEYS.get(privacy.get("id_key", ""), "an unknown key")
    posts = "kept" if privacy.get("post_ids") == "kept" else "hashed as well"
    return [
        ("privacy", f"user ids hashed by {privacy.get('user_ids')} with {key}; post ids {posts}")
    ]


def _runs(group: RunGroup) -> list[dict[str, Any]]:
    runs = []
    for name, run in group.runs.items():
        config = run.workdir.config() if run.workdir else None
        added = run.workdir.added_tags() if run.workdir else {}
        runs.append(
            {
                "label": label_of(name),
                "group": group.name,
                "epoch": run.metrics["epoch"],
                "workdir": run.metrics["workdir"],
                "is_there": run.workdir is not None,
                "flags": None if config is None else differing_flags(config),
                "added_tags": bool(added),
                "train": None if config is None or added else train_command(config),
                "evaluate": evaluate_command(run),
            }
        )
    return runs


def _versions() -> dict[str, str]:
    return {
        "tagkeras": __version__,
        "python": platform.python_version(),
        **{library: importlib.metadata.version(library) for library in _LIBRARIES},
    }
