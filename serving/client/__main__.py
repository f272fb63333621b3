"""Asks a served model for the hashtags of photos.

    python -m serving.client --server=localhost:8500 --model_name=tags --image=ball.jpg --age=30
    python -m serving.client --server=http://localhost:8501 --model_name=tags --image=ball.jpg

The first asks over gRPC. The second asks over REST, which loads no TensorFlow and so answers within
a second.

Several photos, and several users (`--users`), are answered one after the other; a photo's users
stand side by side. `--json` prints one JSON document instead of a table. For one photo and no
`--users` it is one answer,

    {"image": "ball.jpg", "user": {"age": 30.0, "gender": null, ...},
     "model": "tags", "version": 1, "hashtags": [{"hashtag": "football", "score": 1.25}, ...]}

and otherwise {"answers": [...]} with such an answer for each photo and user. Hashtags come without
their #, best first; unknown fields are null. Facts that change no answer, since the model does not
have them or learned nothing from them, are named on standard error.
"""

import dataclasses
import sys
from typing import TYPE_CHECKING

from serving.client.flags import ServerFlags, make_user, read_users
from tagkeras.cli.commandline import option, run
from tagkeras.cli.errors import UserError
from tagkeras.data.facts import AGE, FACTS, GENDERS, LATITUDE, LONGITUDE, FactError
from tagkeras.data.user import UNKNOWN_USER, User

if TYPE_CHECKING:
    from serving.client.answers import RequestError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(ServerFlags):
    """Flags of the client."""

    image: tuple[str, ...] = option(
        help="image file, or several with commas between them", positional=True
    )
    age: float | None = option(
        None, help="the user's age in years; unknown by default", minimum=AGE.low, maximum=AGE.high
    )
    gender: str | None = option(None, help="the user's gender; unknown by default", choices=GENDERS)
    country: str | None = option(None, help="ISO 3166 alpha-2 code; unknown by default")
    latitude: float | None = option(
        None,
        help="of the home town, degrees; unknown by default",
        minimum=LATITUDE.low,
        maximum=LATITUDE.high,
    )
    longitude: float | None = option(
        None,
        help="of the home town, degrees; unknown by default",
        minimum=LONGITUDE.low,
        maximum=LONGITUDE.high,
    )
    fact: tuple[str, ...] = option(
        (), help="NAME=VALUE of a fact of the model's own; may be repeated", repeated=True
    )
    users: str | None = option(
        None,
        help="JSON Lines file of users, with the fields age, gender, country, latitude, longitude, "
        "name and the model's own facts, each of them optional; instead of the flags of a user",
    )
    top: int | None = option(None, help="print at most this many hashtags a user", minimum=1)
    json: bool = option(False, help="print JSON")


def main(config: Config) -> None:
    """Asks and prints."""
    from serving.client import output as client_output
    from serving.client.answers import RequestError, StatusCode
    from serving.client.told_facts import fit

    user = _user(config)
    if config.users is not None and user != UNKNOWN_USER:
        raise UserError("describe one user by flags or several by --users, not both")
    users = [user] if config.users is None else read_users(config.users)
    if not config.image:
        raise UserError("--image names no file")

    answers = []
    with config.connect() as client:
        heard = users
        if any(value is not None for one in users for value in one.facts.values()):
            users, heard, in_vain = fit(users, client.facts())
            for words in in_vain:
                print(f"told in vain: {words}", file=sys.stderr)
        for image in config.image:
            try:
                predictions = client.predict([image], heard)
            except RequestError as error:
                if error.code is StatusCode.INVALID_ARGUMENT:
                    raise UserError(_refusal(image, error)) from error
                raise
            for one, prediction in zip(users, predictions, strict=True):
                top = dataclasses.replace(prediction, hashtags=prediction.hashtags[: config.top])
                answers.append(client_output.Answer(image, one, top))
    single = len(config.image) == 1 and config.users is None
    if config.json:
        client_output.print_json(answers, single=single)
    else:
        client_output.print_tables(answers)


def _user(config: Config) -> User:
    """The user whom flags describe; `UserError` for a flag that does not."""
    told = {fact.name: getattr(config, fact.name) for fact in FACTS}
    parser = {fact.name: fact for fact in FACTS}
    for given in config.fact:
        name, equals, text = given.partition("=")
        if not equals or not text or told.get(name) is not None:
            raise UserError(f"--fact={given}: give NAME=VALUE, and each fact once")
        try:
            told[name] = parser[name].parse_text(text) if name in parser else text
        except FactError as error:
            raise UserError(f"--fact={given}: {error}") from error
    return make_user(told)


def _refusal(image: str, error: "RequestError") -> str:
    """Names the image where it is at fault, and not the rest of the request."""
    from serving.client.answers import read_refusal

    refusal = read_refusal(str(error))
    if refusal.of_image:  # without its place: the same image for every user
        return f"{image}: {refusal.words}"
    if refusal.of_descriptor:
        return f"the model takes descriptors, not images ({refusal.words})"
    return refusal.words


if __name__ == "__main__":
    run(main, Config)
