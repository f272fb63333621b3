"""Which hashtags of example posts are to be added to a vocabulary."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tagkeras.cli.errors import UserError
from tagkeras.data import hashtags
from tagkeras.data.vocabulary import Vocabulary


def choose_new_tags(
    posts: Iterable[Sequence[str]],
    vocabulary: Vocabulary,
    *,
    wanted: Sequence[str] | None,
    min_posts: int,
    path: Path,
) -> dict[str, int]:
    """The tags to add and how many of the posts have each, most frequent first, ties by name.

    Args:
        posts: the normalised, distinct hashtags of each post.
        vocabulary: what is known.
        wanted: as the user names them; None for all that are not known.
        min_posts: least number of posts to learn a tag of.
        path: of the posts, for errors.

    Raises:
        UserError: there is nothing to add, or a wanted tag is none, is known, or has too few posts.
    """
    counts = Counter(tag for tags in posts for tag in tags if tag not in vocabulary.ids)
    if wanted is None:
        new = {tag: count for tag, count in counts.items() if count >= min_posts}
        if not new:
            raise UserError(f"{path}: {_say_why(counts, min_posts)}")
    else:
        if not wanted:
            raise UserError("--tags names no hashtag: name some, or leave it out")
        new = {}
        for name in wanted:
            tag = hashtags.normalize(name)
            if not tag:
                raise UserError(f"--tags: {name!r} is no hashtag")
            if tag in vocabulary.ids:
                raise UserError(f"--tags={tag}: the model knows it already")
            if counts[tag] < min_posts:
                raise UserError(
                    f"--tags={tag}: {counts[tag]} posts of {path} have it, --min_posts={min_posts}"
                    " are needed"
                )
            new[tag] = counts[tag]
    return dict(sorted(new.items(), key=lambda item: (-item[1], item[0])))


def _say_why(counts: Counter[str], min_posts: int) -> str:
    if not counts:
        return "no hashtag that the model does not know already"
    tag, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return (
        f"no new hashtag that {min_posts} posts have: the most frequent, {tag}, has {count};"
        " give more posts or lower --min_posts"
    )
