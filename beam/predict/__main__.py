"""Predicts hashtags, and gives embeddings, for many posts with an exported model.

    python -m beam.predict --model=models/hashtags/1 --input='posts/*.jsonl' --output=PREDICTIONS

Posts are those of beam.preprocess, but need neither user_id nor hashtags. Runs in this process; any
option of Apache Beam, --runner=FlinkRunner for one, runs it elsewhere.
"""

from beam.predict.config import Config
from tagkeras.cli import commandline


def main(config: Config, beam_arguments: list[str]) -> None:
    """Predicts and says what came of it."""
    from beam.running.runner import parse_options

    options = parse_options(beam_arguments)  # a wrong flag is refused before TensorFlow is imported
    from beam.predict.predict import predict, summarize

    manifest = predict(config, options)
    print(summarize(manifest, config.output))


if __name__ == "__main__":
    commandline.run(main, Config, pass_unknown=True)
