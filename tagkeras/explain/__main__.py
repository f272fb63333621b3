"""What one photo's hashtags would be for others, and what raises or lowers one of them.

    python -m tagkeras.explain --workdir=WORKDIR --data=DATASET --image=PHOTO

prints the photo's hashtags for each of `--genders` and `--ages`, and for people of `--cities`, side
by side. With `--hashtag` and what is known of a user (`--age`, `--gender`, `--country`,
`--latitude`, `--longitude`) it also says which rank factors of the model set the score apart from
that of an unknown user. `--post_id` takes a post of the dataset in place of a file. `--json` prints

    {"image": "ball.jpg", "post_id": null, "model": "multiplicative", "workdir": ..., "epoch": 12,
     "age_and_gender": [{"user": {"age": 16.0, "gender": "female", ...},
                         "hashtags": [{"hashtag": "football", "score": 1.25}, ...]}, ...],
     "cities": [...],
     "explanation": {"hashtag": "football", "rank": 1, "unknown_rank": 9, ...,
                     "contributions": [{"name": "factor 17", "value": 0.2, ...}, ...]}}
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from tagkeras.cli.commandline import option, run
from tagkeras.cli.console import fitting
from tagkeras.cli.errors import UserError
from tagkeras.data.cities import default_cities, parse_city
from tagkeras.data.manifest import Manifest
from tagkeras.data.user import UNKNOWN_USER, User
from tagkeras.explain import output
from tagkeras.explain.answer import Answer
from tagkeras.explain.counterfactuals import (
    counterfactual_lists,
    users_by_age_and_gender,
    users_by_city,
)
from tagkeras.explain.explanation import explain_hashtag, find_hashtag, model_name
from tagkeras.explain.photo_descriptor import describe_image, descriptor_of_post
from tagkeras.train.restore import restore_model
from tagkeras.train.workdir import Workdir


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch is asked")
    data: str = option(help="dataset folder of the run; its descriptor model describes the image")
    image: str | None = option(None, help="image file; or give --post_id")
    post_id: str | None = option(None, help="post of the dataset whose photo is taken; or --image")
    ages: tuple[str, ...] = option(
        ("16", "30", "45", "70"), help="ages to compare, in years; empty for none"
    )
    genders: tuple[str, ...] = option(
        ("female", "male"), help="genders to compare: female, male, other; empty for none"
    )
    cities: tuple[str, ...] | None = option(
        None,
        help="cities to compare: names of tagkeras/data/cities.py, or Name/COUNTRY/latitude/"
        "longitude; empty for none; by default the two largest of each of the dataset's countries",
    )
    top_k: int | None = option(
        None, help="hashtags of each; by default 10, or all of a smaller vocabulary", minimum=1
    )
    hashtag: str | None = option(None, help="hashtag to explain for the user of the next flags")
    age: float | None = option(None, help="the user's age in years; unknown by default")
    gender: str | None = option(None, help="female, male or other; unknown by default")
    country: str | None = option(None, help="ISO 3166 alpha-2 code; unknown by default")
    latitude: float | None = option(None, help="of the home town, degrees; unknown by default")
    longitude: float | None = option(None, help="of the home town, degrees; unknown by default")
    factors: int = option(8, help="rank factors, or user features, to list", minimum=1)
    json: bool = option(False, help="print JSON")


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


def main(config: Config) -> None:
    """Explains and prints."""
    answer = explain(config)
    if config.json:
        output.print_json(answer)
    else:
        output.print_tables(answer, fitting())


if __name__ == "__main__":
    run(main, Config)
