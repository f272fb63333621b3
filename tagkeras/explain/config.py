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
    ages: tuple[str, ...] = option(
        ("16", "30", "45", "70"), help="ages to compare, in years; empty for none"
    )
    genders: tuple[str, ...] = option(
        ("female", "male"), help="genders to compare: female, male, other; empty for none"
    )
    cities: tuple[str, ...] | None = option(
        None,
        help="cities to compare: names of tagkeras/data/cities.tsv, or Name/COUNTRY/latitude/"
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
