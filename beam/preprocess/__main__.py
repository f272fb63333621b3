"""Turns posts into a dataset: TFRecords, vocabulary, manifest and the model that describes images.

    python -m beam.preprocess --input='posts/*.jsonl' --output=DATASET

Runs in this process; any option of Apache Beam, --runner=FlinkRunner for one, runs it elsewhere.
"""

from beam.preprocess.config import Config
from tagkeras.cli import commandline


def main(config: Config, beam_arguments: list[str]) -> None:
    """Preprocesses and says what came of it."""
    from beam.running.runner import parse_options

    options = parse_options(beam_arguments)  # a wrong flag is refused before TensorFlow is imported
    from beam.preprocess.make_manifest import summarize
    from beam.preprocess.preprocess import preprocess

    manifest = preprocess(config, options)
    print(summarize(manifest, config))


if __name__ == "__main__":
    commandline.run(main, Config, pass_unknown=True)
