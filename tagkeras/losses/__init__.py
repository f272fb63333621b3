"""The losses that hashtags can be ranked by: WARP, and those to compare it with."""
