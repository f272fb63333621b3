"""Trains a small CNN on what images show, to describe other images with.

    python -m tagkeras.pretrain --data=FOLDER --output=CNN.keras

FOLDER holds `concepts.jsonl`, a line `{"image": path, "concepts": [names]}` for each image, as
`tagkeras.synthetic` writes it. The CNN takes pixels in [0, 255]; its layer named `descriptor` is
what `beam.preprocess --cnn=CNN.keras` takes by default. As in Denton et al. (KDD 2015), it
is trained apart from the hashtags.
"""

import dataclasses

from tagkeras.cli.commandline import option, run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    data: str = option(help="folder of concepts.jsonl and its images")
    output: str = option(help="file to write, ending in .keras; its concepts go to a .json beside")
    image_size: int = option(64, help="height and width that images are resized to", minimum=16)
    descriptor_size: int = option(128, help="length of the descriptor", minimum=1)
    epochs: int = option(11, help="passes over the images", minimum=1)
    batch_size: int = option(32, help="images in a step", minimum=1)
    learning_rate: float = option(0.006, help="of the first step; falls to 0", minimum=1e-9)
    validation_fraction: float = option(
        0.1, help="share of the images that the CNN is only checked on", minimum=0.01, maximum=0.9
    )
    seed: int = option(0, help="of weights, order and split")


def main(config: Config) -> None:
    """Trains and says how good the CNN is."""
    from tagkeras.pretrain.cnn import pretrain

    metrics = pretrain(**dataclasses.asdict(config))
    print(
        f"wrote {config.output}: mean average precision {metrics['mAP']:.3f},"
        f" all concepts right in {metrics['exact']:.0%} of held-out images"
    )


if __name__ == "__main__":
    run(main, Config)
