"""What the sections of a page are made from."""

import dataclasses
import functools
from pathlib import Path

from tagkeras.report.figure_files import FigureFiles
from tagkeras.report.finished_experiment import FinishedExperiment
from tagkeras.report.runs import MULTIPLICATIVE, Run, RunGroup
from tagkeras.report.sample_posts import SamplePosts, find_samples
from tagkeras.report.sections.section import LeftOut
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What was asked for beside the runs.

    Attributes:
        split: whose posts were evaluated.
        posts: file of the posts, for their photos; None for a page without.
        image_root: what paths of images are relative to; None for the folder of `posts`.
        samples: how many photos to show.
        hashtag_kinds: file of the kinds of hashtags, or None.
        tags: to draw curves of; empty for those where the models differ most.
        map_users: how many users the map shows, at most.
        command: that made the page.
    """

    split: str
    posts: Path | None = None
    image_root: Path | None = None
    samples: int = 8
    hashtag_kinds: Path | None = None
    tags: tuple[str, ...] = ()
    map_users: int = 2000
    command: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class RunAtHand:
    """A run whose folders are there.

    Attributes:
        name: in its group.
        run: itself.
        group: that it is of.
        workdir: with its weights.
        dataset: that it was evaluated on.
    """

    name: str
    run: Run
    group: RunGroup
    workdir: Workdir
    dataset: Path


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Runs, figures and settings.

    Attributes:
        groups: the runs, by dataset.
        experiment: that some of them are of, or None.
        settings: of the page.
        figures: of the page.
    """

    groups: tuple[RunGroup, ...]
    experiment: FinishedExperiment | None
    settings: Settings
    figures: FigureFiles

    @functools.cached_property
    def samples(self) -> SamplePosts:
        """Posts with their photos, of the split of all the groups.

        Raises:
            LeftOut: there can be no photos.
            UserError: the file has none of the posts, or none of their photos can be read.
        """
        title = "Sample photos"
        if not self.settings.samples:
            raise LeftOut(title, "--samples=0 asks for none.")
        if self.settings.posts is None:
            raise LeftOut(
                title,
                "no file of posts was given: add --posts=POSTS.jsonl, and --image_root="
                " if the images lie elsewhere.",
            )
        for group in self.groups:
            privacy = group.manifest.privacy if group.manifest else {}
            if privacy.get("post_ids", "kept") != "kept":
                raise LeftOut(
                    title,
                    f"the post ids of the {group.name} dataset are keyed hashes, so that"
                    " its posts cannot be found in a file: preprocess with --post_ids=keep to"
                    " see photos here.",
                )
        shared = set.intersection(*(set(g.first.evaluation.posts.post_ids) for g in self.groups))
        ids = shared or self.groups[0].first.evaluation.posts.post_ids
        return find_samples(
            self.settings.posts,
            ids,
            split=self.settings.split,
            image_root=self.settings.image_root,
            number=self.settings.samples,
        )

    @property
    def multiplicative(self) -> "RunAtHand | None":
        """The first run with user vectors whose weights and posts are at hand; None if none."""
        for group in self.groups:
            name = group.of_model(MULTIPLICATIVE)
            run = group.runs[name] if name else None
            if name and run and run.workdir and run.dataset:
                return RunAtHand(name, run, group, run.workdir, run.dataset)
        return None
