"""The kinds of hashtags, which live with the data: `tagkeras.data.hashtag_kinds`."""

from tagkeras.data.hashtag_kinds import KINDS, read_hashtag_kinds

__all__ = ["KINDS", "read_hashtag_kinds"]
