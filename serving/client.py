"""Asks a served model for the hashtags of photos.

    python -m serving.client --server=localhost:8500 --model_name=tags --image=ball.jpg --age=30

Several photos, and several users (`--users`), are answered one after the other; a photo's users
stand side by side. `--json` prints one JSON document instead of a table. For one photo and no
`--users` it is one answer,

    {"image": "ball.jpg", "user": {"age": 30.0, "gender": null, ...},
     "model": "tags", "version": 1, "hashtags": [{"hashtag": "football", "score": 1.25}, ...]}

and otherwise {"answers": [...]} with such an answer for each photo and user. Hashtags come without
their #, best first; fields unknown are null.
"""

import dataclasses

from tagkeras.commandline import option, run
from tagkeras.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Flags of the client."""

    server: str = option("localhost:8500", help="host:port of the server's gRPC API")
    model_name: str = option("default", help="name of the model")
    image: tuple[str, ...] = option(help="image file, or several with commas between them")
    age: float | None = option(None, help="the user's age in years; unknown by default")
    gender: str | None = option(None, help="female, male or other; unknown by default")
    country: str | None = option(None, help="ISO 3166 alpha-2 code; unknown by default")
    latitude: float | None = option(None, help="of the home town, degrees; unknown by default")
    longitude: float | None = option(None, help="of the home town, degrees; unknown by default")
    users: str | None = option(
        None,
        help="JSON Lines file of users, with the fields age, gender, country, latitude, longitude "
        "and name, each of them optional; instead of the five flags",
    )
    top: int | None = option(None, help="print at most this many hashtags a user", minimum=1)
    version: int | None = option(None, help="model version; the newest by default", minimum=0)
    version_label: str | None = option(None, help="version label, instead of --version")
    timeout: float = option(30.0, help="seconds to wait for an answer", minimum=0.001)
    json: bool = option(False, help="print JSON")


def main(config: Config) -> None:
    """Asks and prints."""
    from serving.clients import output as client_output
    from serving.clients.hashtag_client import HashtagClient, RequestError
    from serving.clients.users import read_users
    from tagkeras.data.user import User

    user = User(
        age=config.age,
        gender=config.gender,
        country=config.country,
        latitude=config.latitude,
        longitude=config.longitude,
    )
    if config.users is not None and user != User():
        raise UserError("describe one user by flags or several by --users, not both")
    users = [user] if config.users is None else read_users(config.users)
    if not config.image:
        raise UserError("--image names no file")

    answers = []
    with HashtagClient(
        config.server,
        config.model_name,
        version=config.version,
        version_label=config.version_label,
        timeout=config.timeout,
    ) as client:
        for image in config.image:
            try:
                predictions = client.predict([image], users)
            except RequestError as error:
                if error.code.name == "INVALID_ARGUMENT":  # most likely for this image
                    raise UserError(f"{image}: {error}") from error
                raise
            answers += [
                client_output.Answer(image, one, prediction.model, prediction.version, hashtags)
                for one, prediction in zip(users, predictions, strict=True)
                for hashtags in [prediction.hashtags[: config.top]]
            ]
    single = len(config.image) == 1 and config.users is None
    if config.json:
        client_output.print_json(answers, single=single)
    else:
        client_output.print_tables(answers)


if __name__ == "__main__":
    run(main, Config)
