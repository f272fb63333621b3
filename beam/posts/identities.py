"""Ids that say nothing of a person, and the choices that hang on them alone."""

import hashlib
import hmac
import secrets

DIGEST_SIZE = 16


def new_key() -> bytes:
    """A random key, for one run."""
    return secrets.token_bytes(32)


def hide(identity: str, key: bytes) -> bytes:
    """HMAC-SHA256 of an id, 64 hexadecimal digits."""
    return hmac.digest(key, identity.encode(), "sha256").hex().encode()


def digest(post_id: str) -> bytes:
    """A short fingerprint of a post's id: equal for equal ids, in practice for those alone."""
    return hashlib.blake2b(post_id.encode(), digest_size=DIGEST_SIZE).digest()


def draw_user(user_id: str, seed: int) -> float:
    """A number in [0, 1) for each user: the same in every run with the seed."""
    return _draw(user_id.encode(), _key(seed))


def draw_pair(post_digest: bytes, tag: str, seed: int) -> float:
    """A number in [0, 1) for each (post, tag): the same in every run with the seed."""
    return _draw(tag.encode(), _key(seed) + post_digest)


def choose_split(user_id: str, seed: int, validation: float, test: float) -> int:
    """The split of a user's posts: 0 train, 1 validation, 2 test.

    It does not depend on what other users there are.

    Args:
        user_id: as given.
        seed: of the splits.
        validation: fraction of the users.
        test: fraction of the users.
    """
    draw = draw_user(user_id, seed)
    if draw < test:
        return 2
    return 1 if draw < test + validation else 0


def _key(seed: int) -> bytes:
    return seed.to_bytes(8, "little", signed=True)


def _draw(message: bytes, key: bytes) -> float:
    value = hashlib.blake2b(message, digest_size=8, key=key).digest()
    return (int.from_bytes(value, "little") >> 11) / 2**53
