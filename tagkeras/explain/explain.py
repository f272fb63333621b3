"""Asks a trained model about one photo: for other people, and why one hashtag."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tagkeras.cli.errors import UserError
from tagkeras.data.cities import parse_city
from tagkeras.data.facts import LATITUDE
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.explain.config import Config
from tagkeras.explain.counterfactuals import (
    AGES,
    GENDERS,
    People,
    RankedHashtags,
    choose_people,
    counterfactual_lists,
)
from tagkeras.explain.explanation import HashtagExplanation, explain_hashtag, find_hashtag
from tagkeras.explain.photo_descriptor import describe_image, descriptor_of_post
from tagkeras.explain.user_facts import parse_user, told_in_vain
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """The document that the command prints: lists for other people, one hashtag explained.

    Of `image`, a file, and `post_id`, a post of the dataset, one is None. People of the lists
    differ in gender and age, in city or in the value of a category, and are otherwise as the user
    of the flags.
    """

    image: str | None
    post_id: str | None
    model: str
    workdir: str
    epoch: int
    age_and_gender: tuple[RankedHashtags, ...]
    cities: tuple[RankedHashtags, ...]
    categories: dict[str, tuple[RankedHashtags, ...]]
    explanation: HashtagExplanation | None


def explain(config: Config) -> Answer:
    """Ranks and explains.

    Raises:
        UserError: no checkpoint, another dataset, no such image, post, city or hashtag, or a fact
            of a user that is unknown or out of range.
    """
    if (config.image is None) == (config.post_id is None):
        raise UserError("give either --image=FILE or --post_id=POST of the dataset")
    workdir, dataset = Workdir(config.workdir), Path(config.data)
    manifest = Manifest.load(dataset)
    user = parse_user(config, config.fact, manifest)
    if config.hashtag is not None and user == UNKNOWN_USER:
        raise UserError(
            f"--hashtag={config.hashtag}: say something of the user to compare with an unknown one,"
            " by --age, --gender, --country, --latitude and --longitude, or --fact"
        )
    people = _choose_people(config, manifest, user)
    model, vocabulary = restore_model(workdir), workdir.vocabulary()
    workdir.check_dataset(dataset)
    if config.top_k is not None and config.top_k > len(vocabulary):
        raise UserError(f"--top_k={config.top_k}: the vocabulary has {len(vocabulary)} tags")
    k = config.top_k or min(10, len(vocabulary))
    if config.hashtag is not None:
        find_hashtag(config.hashtag, vocabulary)  # before the work that follows
    if config.hashtag is None and not any(people):
        raise UserError(
            "nothing to compare: give --ages and --genders, --cities, --categories, or a --hashtag"
            " to explain"
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
        age_and_gender=counterfactual_lists(*asked, people.by_person, k),
        cities=counterfactual_lists(*asked, people.by_city, k),
        categories={
            name: counterfactual_lists(*asked, users, k) for name, users in people.by_value.items()
        },
        explanation=explanation,
    )


def _choose_people(config: Config, manifest: Manifest, user: User) -> People:
    """Whom to compare; says what the flags tell in vain."""
    categories, known = config.categories, manifest.facts.values
    if unknown := set(categories or ()) - set(known):
        raise UserError(f"--categories={min(unknown)}: give some of {', '.join(known)}")
    cities = None if config.cities is None else [parse_city(city) for city in config.cities]
    people = choose_people(
        manifest,
        user,
        ages=AGES if config.ages is None else _numbers(config.ages),
        genders=GENDERS if config.genders is None else config.genders,
        cities=cities,
        categories=categories,
    )
    told: list[Mapping[str, Any]] = [
        user.facts,
        {"age": config.ages or None, "gender": config.genders or None},
        *(dataclasses.asdict(city) for city in cities or ()),
        {name: name for name in categories or () if name in manifest.masked_facts},
    ]
    for line in told_in_vain(told, manifest):
        _warn(line)
    if not manifest.telling_facts:
        _warn("the model looks at no fact of users: everybody is given the same")
        return people._replace(by_person=[user])
    if cities is None and LATITUDE in manifest.telling_facts and not people.by_city:
        _warn("no city of the dataset's countries is known: name some by --cities")
    return people


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _numbers(ages: Sequence[str]) -> list[float]:
    try:
        return [float(age) for age in ages]
    except ValueError as error:
        raise UserError(f"--ages={','.join(ages)}: {error}: give years, as in 16,30") from error
