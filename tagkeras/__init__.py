"""tagkeras: the hashtags that a given user would put on a given image.

The package holds the Keras layers, the WARP loss, the models, their input and the commands that
train, evaluate and export them, and what the `beam` and `serving` packages share with it.
"""

from tagkeras.cli import quiet

__version__ = "0.1.0"

quiet.install()
