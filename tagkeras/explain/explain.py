"""Asks a trained model about one photo: for other people, and why one hashtag."""

import dataclasses
import sys
from collections.abc import Sequence
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
    users_by_value,
)
from tagkeras.explain.explanation import (
    HashtagExplanation,
    explain_hashtag,
    find_hashtag,
)
from tagkeras.explain.photo_descriptor import describe_image, descriptor_of_post
from tagkeras.explain.user_facts import parse_user, say_masked, told_in_vain
from tagkeras.train.model import restore_model
from tagkeras.train.workdir import Workdir

# Who is compared by default.
_AGES, _GENDERS = ("16", "30", "45", "70"), ("female", "male")
_MOST_CATEGORIES, _MOST_VALUES = 3, 5
_PLACE = ("country", "latitude")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """The document that the command prints: lists for other people, one hashtag explained.

    Attributes:
        image: file of the photo; None for a post of the dataset.
        post_id: post of the photo; None for a file.
        model: `multiplicative`, `user_biased` or `bilinear`.
        workdir: of the model.
        epoch: of its weights.
        age_and_gender: lists by gender and age, all otherwise of the user of the flags.
        cities: lists by city, likewise.
        categories: lists by value of a category, likewise, by its name.
        explanation: of the hashtag, if one was asked about.
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
    by_person, by_city, by_value = _choose_people(config, manifest, user)
    model, vocabulary = restore_model(workdir), workdir.vocabulary()
    workdir.check_dataset(dataset)
    if config.top_k is not None and config.top_k > len(vocabulary):
        raise UserError(f"--top_k={config.top_k}: the vocabulary has {len(vocabulary)} tags")
    k = config.top_k or min(10, len(vocabulary))
    if config.hashtag is not None:
        find_hashtag(config.hashtag, vocabulary)  # before the work that follows
    people = [user, *by_city]
    for line in told_in_vain([person.facts for person in people], manifest):
        _warn(line)
    if config.hashtag is None and not (by_person or by_city or by_value):
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
        age_and_gender=counterfactual_lists(*asked, by_person, k),
        cities=counterfactual_lists(*asked, by_city, k),
        categories={n: counterfactual_lists(*asked, users, k) for n, users in by_value.items()},
        explanation=explanation,
    )


def _choose_people(
    config: Config, manifest: Manifest, user: User
) -> tuple[list[User], list[User], dict[str, list[User]]]:
    """Whom to compare by age and gender, by city, and by value of each category.

    By default those who differ in something that the model looks at.
    """
    telling, values = {fact.name for fact in manifest.telling_facts}, manifest.telling_values

    def choose(
        flag: str, given: Sequence[str] | None, default: Sequence[str], *facts: str
    ) -> Sequence[str] | None:
        """What was given, or the default; None where the model looks at none of the facts."""
        if telling.isdisjoint(facts):
            if given:
                _warn(f"--{flag} is left out: {say_masked(' and '.join(facts))}")
            return None
        return default if given is None else given

    ages = choose("ages", config.ages, _AGES, "age")
    genders = choose("genders", config.genders, _GENDERS, "gender")
    by_person = []
    if ages is not None or genders is not None:
        by_person = users_by_age_and_gender(
            [user.age] if ages is None else _numbers(ages),
            [user.gender] if genders is None else genders,
            user,
        )
    cities = [parse_city(city) for city in choose("cities", config.cities, (), *_PLACE) or ()]
    if config.cities is None and "latitude" in telling:
        cities = default_cities(values.get("country", ())[:_MOST_VALUES])
        if not cities:
            _warn("no city of the dataset's countries is known: name some by --cities")
    # People of one country are told apart by their cities, if at all.
    by_default = [name for name in values if name != "country" or not cities][:_MOST_CATEGORIES]
    categories = by_default if config.categories is None else config.categories
    if unknown := set(categories) - set(manifest.facts.values):
        raise UserError(
            f"--categories={min(unknown)}: give some of {', '.join(manifest.facts.values)}"
        )
    by_value = {
        name: users_by_value(name, values.get(name, ())[:_MOST_VALUES], user)
        for name in categories
        if choose("categories", [name], (), name)
    }
    if not telling:
        _warn("the model looks at no fact of users: everybody is given the same")
        by_person = [user]
    return by_person, users_by_city(cities, user), by_value


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def _numbers(ages: Sequence[str]) -> list[float]:
    try:
        return [float(age) for age in ages]
    except ValueError as error:
        raise UserError(f"--ages={','.join(ages)}: {error}: give years, as in 16,30") from error
