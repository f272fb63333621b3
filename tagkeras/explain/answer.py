"""What `tagkeras.explain` found out about one photo."""

import dataclasses

from tagkeras.data.user import User
from tagkeras.explain.counterfactuals import RankedHashtags
from tagkeras.explain.hashtag_explanation import HashtagExplanation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """Lists for others, and the explanation of one hashtag.

    Attributes:
        image: file that was asked about; None for a post of the dataset.
        post_id: post that was asked about; None for a file.
        workdir: of the model.
        model: `multiplicative`, `user_biased` or `bilinear`.
        epoch: whose weights were asked.
        user: of the flags, whose place `by_person` has, and whose age and gender `by_city`.
        by_person: lists by gender and age.
        by_city: lists by city.
        explanation: of the hashtag, if one was asked about.
    """

    image: str | None
    post_id: str | None
    workdir: str
    model: str
    epoch: int
    user: User
    by_person: tuple[RankedHashtags, ...]
    by_city: tuple[RankedHashtags, ...]
    explanation: HashtagExplanation | None

    @property
    def photo(self) -> str:
        """The file's path, or the post, for people."""
        return self.image or f"post {self.post_id}"
