"""Section: single tags, and groups of them."""

import collections
from typing import Any

import pyarrow as pa

from tagkeras.data.hashtag_kinds import KINDS, read_hashtag_kinds
from tagkeras.report.chosen_tags import check_tags, most_different_tags
from tagkeras.report.figures.looks import label_of
from tagkeras.report.figures.precision_recall import curves_of_tags, draw_precision_recall
from tagkeras.report.figures.tag_groups import TagGroup, select_tag_groups
from tagkeras.report.figures.tag_recall import draw_group_recall, draw_tag_recall
from tagkeras.report.material import Material
from tagkeras.report.names import slug
from tagkeras.report.runs import BILINEAR, MULTIPLICATIVE, RunGroup
from tagkeras.report.sections.section import LeftOut, Section

# Panels of a figure that can still be read on a phone.
_PANELS = 8


def build(material: Material) -> Section:
    """Curves of single tags, recall of groups, and what those hashtags hang on."""
    parts, left_out = [], []
    for group in material.groups:
        part: dict[str, Any] = {"group": group}
        for name, make in (("curves", _curves), ("recall", _recall)):
            try:
                part[name] = make(material, group)
            except LeftOut as reason:
                left_out.append(reason)
        if len(part) > 1:
            parts.append(part)
    if not parts:
        raise LeftOut("Single hashtags", " ".join(reason.reason for reason in left_out))
    return Section(
        id="tags",
        title="Single hashtags",
        short="Hashtags",
        content={"parts": parts, "left_out": left_out, "kinds": KINDS},
    )


def _curves(material: Material, group: RunGroup) -> dict[str, Any]:
    asked = list(material.settings.tags)
    check_tags(asked, group)
    tables = {name: run.evaluation.tags for name, run in group.shown.items()}
    tags = asked or most_different_tags(tables)
    curves = {tag: curves for tag, curves in curves_of_tags(tables, tags).items() if curves}
    if not curves:
        raise LeftOut(
            f"Precision-recall curves, {group.name}",
            "no post of the split has these hashtags, or they have no curve.",
        )
    shown = list(curves)
    figures = [
        material.figures.add(
            draw_precision_recall({tag: curves[tag] for tag in shown[start : start + _PANELS]}),
            f"curves-{slug(group.name)}-{start // _PANELS + 1}",
            shows="precision against recall of " + ", ".join(shown[start : start + _PANELS]),
            caption="All posts of the split ranked by the score of one hashtag: of those above a"
            " threshold, how many have it (precision), and which part of all that have it they"
            " are (recall). The higher a curve lies, the better; AP is the area below it.",
        )
        for start in range(0, len(shown), _PANELS)
    ]
    return {
        "figures": figures,
        "chosen": not asked,
        "without": [t for t in tags if t not in curves],
    }


def _recall(material: Material, group: RunGroup) -> dict[str, Any]:
    names = {model: group.of_model(model) for model in (BILINEAR, MULTIPLICATIVE)}
    title = f"Recall of groups of hashtags, {group.name}"
    if not all(names.values()):
        raise LeftOut(title, "it compares a bilinear with a multiplicative run; add them.")
    # The two that the groups are chosen by have fixed names; others are carried along.
    models = [run.model for run in group.shown.values()]
    tables: dict[str, pa.Table] = {
        run.model if name in names.values() or models.count(run.model) == 1 else name: (
            run.evaluation.tags
        )
        for name, run in group.shown.items()
    }
    k = group.ks[-1]
    try:
        groups = select_tag_groups(tables, k=k)
    except ValueError as error:
        raise LeftOut(title, f"{error}.") from error
    means = material.figures.add(
        draw_group_recall(groups),
        f"tag-groups-{slug(group.name)}",
        shows=f"mean recall at {k} of each model for three groups of hashtags",
        caption="Mean over the hashtags of each group: the most frequent ones, those that the"
        " bilinear model recalls best, and those where the multiplicative model gains most over"
        " it. The last two groups are chosen by the very numbers that are drawn, on the same"
        " posts: they show where the models differ, not by how much in general.",
    )
    single = [
        material.figures.add(
            draw_tag_recall(tag_group),
            f"tag-group-{slug(group.name)}-{tag_group.key.replace('_', '-')}",
            shows=f"recall at {k} of {len(tag_group.tags)} hashtags: {tag_group.title}",
            caption=f"Share of the posts with the hashtag that have it among their {k}"
            " predictions.",
        )
        for tag_group in groups
    ]
    return {
        "k": k,
        "means": means,
        "single": single,
        "groups": groups,
        "labels": [label_of(name) for name in tables],
        "names": list(tables),
        "kinds": _kinds(material, group, groups[-1]),
    }


def _kinds(material: Material, group: RunGroup, gained: TagGroup) -> list[dict[str, Any]] | None:
    """How many hashtags of each kind are in a group, against the whole vocabulary."""
    path = material.settings.hashtag_kinds
    if path is None:
        return None
    kinds = read_hashtag_kinds(path)
    here = collections.Counter(kinds.get(tag, "") for tag in gained.tags)
    everywhere = collections.Counter(kinds.get(tag, "") for tag in group.vocabulary.tags)
    return [
        {
            "kind": kind,
            "meaning": KINDS.get(kind, "not in the file"),
            "group": here[kind],
            "group_share": here[kind] / len(gained.tags),
            "vocabulary": everywhere[kind],
            "vocabulary_share": everywhere[kind] / len(group.vocabulary),
        }
        for kind in (*KINDS, "")
        if everywhere[kind] or here[kind]
    ]
