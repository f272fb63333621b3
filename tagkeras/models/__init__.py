"""The hashtag model: an embedding of image and user, and a table of hashtags."""

from tagkeras.models.hashtag_model import HashtagModel
from tagkeras.models.input_dropout import InputDropout

__all__ = ["HashtagModel", "InputDropout"]
