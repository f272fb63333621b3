"""Asks a trained model about one photo: for other people, and why one hashtag."""

import dataclasses
import sys
from pathlib import Path

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
)
from tagkeras.explain.photo_descriptor import describe_image, descriptor_of_post
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """The document that the command prints: lists for other people, one hashtag explained.

    Attributes:
        image: file of the photo; None for a post of the dataset.
        post_id: post of the photo; None for a file.
        model: `multiplicative`, `user_biased` or `bilinear`.
        workdir: of the model.
        epoch: of its weights.
        age_and_gender: lists by gender and age, all in the place of the user of the flags.
        cities: lists by city, all of the age and gender of that user.
        explanation: of the hashtag, if one was asked about.
    """

    image: str | None
    post_id: str | None
    model: str
    workdir: str
    epoch: int
    age_and_gender: tuple[RankedHashtags, ...]
    cities: tuple[RankedHashtags, ...]
    explanation: HashtagExplanation | None


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
            _warn("no city of the dataset's countries is known: name some by --cities")
    elsewhere = {city.country for city in cities} | {user.country}
    for country in sorted(elsewhere - {None, *countries}, key=str):
        _warn(
            f"{country} is none of the dataset's countries ({', '.join(countries)}):"
            " the model takes it as unknown"
        )
    if config.hashtag is None and not by_person and not cities:
        raise UserError(
            "nothing to compare: give --ages and --genders, --cities, or a --hashtag to explain"
        )
    if config.image is None:
        descriptor = descriptor_of_post(dataset, manifest, str(config.post_id))
    else:
        descriptor = describe_image(dataset, manifest, Path(config.image))
    asked = (model, manifest, vocabulary, descriptor)
    explanation = None
    if config.hashtag is not None:
        explanation = explain_hashtag(
            *asked, config.hashtag, user, num_contributions=config.factors
        )
    return Answer(
        image=config.image,
        post_id=config.post_id,
        model=workdir.config()["model"],
        workdir=config.workdir,
        epoch=workdir.best_epoch()["epoch"],
        age_and_gender=counterfactual_lists(*asked, by_person, k),
        cities=counterfactual_lists(*asked, users_by_city(cities, user), k),
        explanation=explanation,
    )


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _numbers(ages: tuple[str, ...]) -> list[float]:
    try:
        return [float(age) for age in ages]
    except ValueError as error:
        raise UserError(f"--ages={','.join(ages)}: {error}: give years, as in 16,30") from error
