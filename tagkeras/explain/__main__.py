"""What one photo's hashtags would be for others, and what raises or lowers one of them.

    python -m tagkeras.explain --workdir=WORKDIR --data=DATASET --image=PHOTO

prints the photo's hashtags for each of `--genders` and `--ages`, for people of `--cities`, and for
the values of `--categories`, side by side, as far as the model looks at these facts. With
`--hashtag` and what is known of a user (`--age`, `--gender`, `--country`, `--latitude`,
`--longitude`, `--fact=NAME=VALUE`) it also says which rank factors of the model and values of the
user descriptor set the score apart from that of an unknown user. `--post_id` takes a post of the
dataset in place of a file. `--json` prints

    {"image": "ball.jpg", "post_id": null, "model": "multiplicative", "workdir": ..., "epoch": 12,
     "age_and_gender": [{"user": {"age": 16.0, "gender": "female", ...},
                         "hashtags": [{"hashtag": "football", "score": 1.25}, ...]}, ...],
     "cities": [...], "categories": {"camera": [...]},
     "explanation": {"hashtag": "football", "rank": 1, "unknown_rank": 9, ...,
                     "contributions": [{"name": "factor 17", "value": 0.2, ...}, ...]}}
"""

from tagkeras.cli.commandline import run
from tagkeras.explain.config import Config


def main(config: Config) -> None:
    """Explains and prints."""
    from tagkeras.cli.console import fitting
    from tagkeras.explain import output
    from tagkeras.explain.explain import explain

    answer = explain(config)
    if config.json:
        output.print_json(answer)
    else:
        output.print_tables(answer, fitting())


if __name__ == "__main__":
    run(main, Config)
