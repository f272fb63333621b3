"""Asks a trained model about one photo: for other people, and why one hashtag."""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from tagkeras.cli.errors import UserError
from tagkeras.data.cities import default_cities, parse_city
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.explain.config import Config
from tagkeras.explain.counterfactuals import (
    RankedHashtags,
    counterfactual_lists,
    users_by_age_and_gender,
    users_by_city,
)
from tagkeras.explain.explanation import (
    HashtagExplanation,
    explain_hashtag,
    find_hashtag,
    model_name,
)
from tagkeras.explain.photo_descriptor import describe_image, descriptor_of_post
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model answers: lists for other people, and the explanation of one hashtag.

    Attributes:
        image: file that was asked about; None for a post of the dataset.
        post_id: post that was asked about; None for a file.
        workdir: of the model.
        model: `multiplicative`, `user_biased` or `bilinear`.
        epoch: whose weights were asked.
        user: of the flags, whose place `by_person` has, and whose age and gender `by_city`.
        by_person: lists by gender and age.
        by_city: lists by city.
        explanation: of the hashtag, if one was asked about.
    """

    image: str | None
    post_id: str | None
    workdir: str
    model: str
    epoch: int
    user: User
    by_person: tuple[RankedHashtags, ...]
    by_city: tuple[RankedHashtags, ...]
    explanation: HashtagExplanation | None

    @property
    def photo(self) -> str:
        """The file's path, or the post, for people."""
        return self.image or f"post {self.post_id}"


def explain(config: Config) -> Answer:
    """Ranks and explains.

    Raises:
        UserError: no checkpoint, another dataset, no such image, post, city or hashtag, or a fact
            of a user that is out of range.
    """
    if (config.image is None) == (config.post_id is None):
        raise UserError("give either --image=FILE or --post_id=POST of the dataset")
    user = User(
        age=config.age,
        gender=config.gender,
        country=config.country,
        latitude=config.latitude,
        longitude=config.longitude,
    )
    if config.hashtag is not None and user == UNKNOWN_USER:
        raise UserError(
            f"--hashtag={config.hashtag}: say something of the user to compare with an unknown one,"
            " by --age, --gender, --country, or --latitude and --longitude"
        )
    by_person = users_by_age_and_gender(_numbers(config.ages), config.genders, user)
    cities = None if config.cities is None else [parse_city(city) for city in config.cities]

    workdir, dataset = Workdir(config.workdir), Path(config.data)
    model = restore_model(workdir)
    workdir.check_dataset(dataset)
    manifest, vocabulary = Manifest.load(dataset), workdir.vocabulary()
    if config.top_k is not None and config.top_k > len(vocabulary):
        raise UserError(f"--top_k={config.top_k}: the vocabulary has {len(vocabulary)} tags")
    k = config.top_k or min(10, len(vocabulary))
    if config.hashtag is not None:
        find_hashtag(config.hashtag, vocabulary)  # before the work that follows
    countries = manifest.user_descriptor["countries"]
    if cities is None:
        cities = default_cities(countries)
        if not cities:
            line = "no city of the dataset's countries is known: name some by --cities"
            print(line, file=sys.stderr)
    elsewhere = {city.country for city in cities} | {user.country}
    for country in sorted(elsewhere - {None, *countries}, key=str):
        print(
            f"{country} is none of the dataset's countries ({', '.join(countries)}):"
            " the model takes it as unknown",
            file=sys.stderr,
        )
    if config.hashtag is None and not by_person and not cities:
        raise UserError(
            "nothing to compare: give --ages and --genders, --cities, or a --hashtag to explain"
        )
    descriptor = _describe(config, dataset, manifest)
    asked = (model, manifest, vocabulary, descriptor)
    explanation = None
    if config.hashtag is not None:
        explanation = explain_hashtag(
            *asked, config.hashtag, user, num_contributions=config.factors
        )
    return Answer(
        image=config.image,
        post_id=config.post_id,
        workdir=config.workdir,
        model=model_name(model),
        epoch=workdir.best_epoch()["epoch"],
        user=user,
        by_person=counterfactual_lists(*asked, by_person, k),
        by_city=counterfactual_lists(*asked, users_by_city(cities, user), k),
        explanation=explanation,
    )


def _describe(config: Config, dataset: Path, manifest: Manifest) -> np.ndarray:
    if config.post_id is not None:
        return descriptor_of_post(dataset, manifest, config.post_id)
    assert config.image is not None
    return describe_image(dataset, manifest, Path(config.image))


def _numbers(ages: tuple[str, ...]) -> list[float]:
    try:
        return [float(age) for age in ages]
    except ValueError as error:
        raise UserError(f"--ages={','.join(ages)}: {error}: give years, as in 16,30") from error
