"""Posts: users, what their pictures show, and the hashtags they gave them."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from tagkeras.synthetic.tables import POSTS_PER_USER
from tagkeras.synthetic.world import Picture, Profile, World

# Images in one folder.
IMAGES_PER_SHARD = 1000

# Every user, post and picture has a random generator of its own, of (seed, one of these, index).
_USERS, _POSTS, _PICTURES = range(3)


@dataclasses.dataclass(frozen=True)
class Post:
    """A post.

    Attributes:
        index: from 0.
        user_id: of the user, who has other posts too.
        profile: of the user.
        picture: the things it shows.
        hashtags: at least one.
    """

    index: int
    user_id: str
    profile: Profile
    picture: Picture
    hashtags: tuple[str, ...]

    @property
    def post_id(self) -> str:
        """Unique in the world."""
        return f"post-{self.index:07}"

    @property
    def image(self) -> str:
        """Where its picture is, relative to the dataset's folder."""
        return image_path(self.index)


def image_path(index: int) -> str:
    """Where the picture of a post is, relative to the dataset's folder."""
    return f"images/{index // IMAGES_PER_SHARD:04}/post-{index:07}.jpg"


def draw_posts(world: World, num_posts: int, seed: int) -> Iterator[Post]:
    """Draws posts, user by user.

    More posts of the same seed begin with the same ones.

    Args:
        world: whose probabilities they follow.
        num_posts: how many.
        seed: at least 0.
    """
    hashtags = np.array(world.hashtags)
    index = user = 0
    while index < num_posts:
        rng = np.random.default_rng((seed, _USERS, user))
        kind, profile = world.population.draw(rng)
        for _ in range(min(int(rng.geometric(1 / POSTS_PER_USER)), num_posts - index)):
            rng = np.random.default_rng((seed, _POSTS, index))
            picture = world.draw_picture(rng)
            chances = world.chances(picture, np.array([kind]))[0]
            while not (included := rng.random(len(hashtags)) < chances).any():
                pass
            yield Post(
                index,
                f"user-{user:06}",
                profile,
                picture,
                tuple(hashtags[included].tolist()),
            )
            index += 1
        user += 1


def draw_varied_pictures(world: World, num_pictures: int, seed: int) -> list[Picture]:
    """Draws pictures without posts, all things about equally often: to train a CNN with.

    Args:
        world: whose things they show.
        num_pictures: how many; more of the same seed begin with the same ones.
        seed: at least 0.
    """
    return [
        world.draw_varied_picture(np.random.default_rng((seed, _PICTURES, index)))
        for index in range(num_pictures)
    ]
