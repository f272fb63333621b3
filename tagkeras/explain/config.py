"""The options of `tagkeras.explain`."""

import dataclasses

from tagkeras.cli.commandline import option


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    workdir: str = option(help="folder of the training run; its best epoch is asked")
    data: str = option(help="dataset folder of the run; its descriptor model describes the image")
    image: str | None = option(None, help="image file; or give --post_id")
    post_id: str | None = option(None, help="post of the dataset whose photo is taken; or --image")
    ages: tuple[str, ...] | None = option(
        None, help="ages to compare, in years; empty for none; by default 16,30,45,70"
    )
    genders: tuple[str, ...] | None = option(
        None,
        help="genders to compare: female, male, other; empty for none; by default female,male",
    )
    cities: tuple[str, ...] | None = option(
        None,
        help="cities to compare: names of tagkeras/data/cities.tsv, or Name/COUNTRY/latitude/"
        "longitude; empty for none; by default the two largest of each of the dataset's five most"
        " frequent countries",
    )
    categories: tuple[str, ...] | None = option(
        None,
        help="categories to compare the most frequent values of, such as country; empty for none;"
        " by default three of the dataset's",
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
    fact: tuple[str, ...] = option(
        (), help="further facts of the user, NAME=VALUE,..., of the dataset's own"
    )
    factors: int = option(8, help="rank factors and user features to list", minimum=1)
    json: bool = option(False, help="print JSON")
