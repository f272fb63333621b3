"""One part's share in the difference that a user makes to a hashtag."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Contribution:
    """A rank factor's share in f(u) - f(u0), or a user feature's.

    `value` = (`user_value` - `unknown_value`) * `image_value` * `hashtag_value`.

    Attributes:
        name: "factor 17", counted from 1, or "age", "gender", "country GB", "x", "y", "z".
        value: above 0 raises the hashtag's score for the user.
        user_value: the user's gate (alpha^T h(u))_k, or feature u_l.
        unknown_value: the same of an unknown user.
        image_value: (gamma^T x)_k, the photo normalised; None of a user feature, which counts
            whatever the photo: leave it out of the product.
        hashtag_value: (beta^T V_y)_k, or <S_l, V_y>.
        raised: the hashtags that this part raises most, for this user and photo, best first.
    """

    name: str
    value: float
    user_value: float
    unknown_value: float
    image_value: float | None
    hashtag_value: float
    raised: tuple[str, ...]
