"""The hashtag model: an embedding of image and user, and a table of hashtags."""

from tagkeras.models.hashtag_model import HashtagModel

__all__ = ["HashtagModel"]
