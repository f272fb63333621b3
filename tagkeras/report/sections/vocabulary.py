"""Section: how often hashtags are used, and which ones lie beside each other."""

from typing import Any

from tagkeras.report.chosen_tags import most_different_tags
from tagkeras.report.figures.looks import label_of
from tagkeras.report.figures.tag_frequency import draw_tag_frequency, tag_histogram
from tagkeras.report.material import Material
from tagkeras.report.names import slug
from tagkeras.report.runs import MULTIPLICATIVE, RunGroup
from tagkeras.report.sections.section import Section
from tagkeras.report.tag_neighbours import find_tag_neighbours
from tagkeras.train.model import restore_model

# Rows of the table of neighbours, and neighbours in each.
_QUERIES, _NEIGHBOURS = 16, 6


def build(material: Material) -> Section:
    """Histograms of all groups, and neighbours of the first run whose weights are at hand."""
    figures = [
        material.figures.add(
            draw_tag_frequency(_histograms(group)),
            f"frequency-{slug(group.name)}",
            shows=f"how many hashtags are on how many training posts, {group.name}",
            caption="How many hashtags are on so many training posts."
            + (
                " Balancing thins frequent hashtags out: the right end moves to the left."
                if "balanced" in _histograms(group)
                else " A few are on thousands of posts, most on few: what guessing the most"
                " frequent ones lives on."
            ),
        )
        for group in material.groups
    ]
    return Section(
        id="vocabulary",
        title="The hashtags themselves",
        short="Vocabulary",
        content={
            "figures": figures,
            "neighbours": _neighbours(material),
            "groups": material.groups,
        },
    )


def _histograms(group: RunGroup) -> dict[str, dict[str, int]]:
    by_name = group.manifest.distribution.get("tags_by_training_posts") if group.manifest else None
    return by_name or {"natural": tag_histogram(group.vocabulary.counts)}


def _neighbours(material: Material) -> dict[str, Any] | None:
    for group in material.groups:
        for name in dict.fromkeys((group.of_model(MULTIPLICATIVE), *group.shown)):
            run = group.runs.get(name or "")
            if name is None or run is None or run.workdir is None:
                continue
            tables = {n: r.evaluation.tags for n, r in group.shown.items()}
            tags = group.vocabulary.tags
            queries = dict.fromkeys(
                (*material.settings.tags, *most_different_tags(tables), *tags[:_QUERIES])
            )
            table = restore_model(run.workdir).tag_table.numpy()
            k = min(_NEIGHBOURS, len(tags) - 1)
            found = find_tag_neighbours(table, tags, list(queries)[:_QUERIES], k=k)
            return {"rows": found, "run": label_of(name), "group": group}
    return None
