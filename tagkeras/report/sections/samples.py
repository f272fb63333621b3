"""Section: photos, their hashtags, and what each model predicts for them."""

from tagkeras.report.figures.looks import label_of
from tagkeras.report.formats import person
from tagkeras.report.material import Material
from tagkeras.report.predicted_posts import predictions_of
from tagkeras.report.sections.section import Section

# Of the predictions of a post, those that are shown.
SHOWN = 10


def build(material: Material) -> Section:
    """The samples with the predictions of every shown run.

    Raises:
        LeftOut: there are no photos.
        UserError: the photos cannot be had.
    """
    samples = material.samples
    ids = [sample.post.post_id for sample in samples.posts]
    lists = {
        group.name: {name: predictions_of(run, ids) for name, run in group.shown.items()}
        for group in material.groups
    }
    cards = []
    for sample in samples.posts:
        post = sample.post
        by_group = [
            {
                "name": group,
                "runs": [
                    {"label": label_of(name), "predictions": predictions[post.post_id][:SHOWN]}
                    for name, predictions in runs.items()
                    if post.post_id in predictions
                ],
            }
            for group, runs in lists.items()
        ]
        cards.append(
            {
                "id": post.post_id,
                "photo": sample.photo,
                "hashtags": post.hashtags,
                "person": person(*(post.facts[name] for name in ("age", "gender", "country"))),
                "groups": [group for group in by_group if group["runs"]],
            }
        )
    return Section(
        id="samples",
        title="Sample photos",
        short="Photos",
        content={
            "cards": cards,
            "unreadable": samples.unreadable,
            "several": len(material.groups) > 1,
            "balanced": any(g.name == "balanced" for g in material.groups),
        },
    )
