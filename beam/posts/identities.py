"""Ids that say nothing of a person, and choices that depend on ids alone."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from tagkeras.cli.errors import UserError

ID_KEY_VARIABLE = "TAGKERAS_ID_KEY"
MIN_KEY_BYTES = 16
DIGEST_SIZE = 16


def load_id_key(path: str | None) -> tuple[bytes, str]:
    """The secret key of the ids, and where it came from: `file`, `environment` or `ephemeral`.

    An ephemeral key is random, and that of one run.

    Raises:
        UserError: the file cannot be read, or the key is too short.
    """
    if path is not None:
        try:
            key = Path(path).read_bytes().strip()
        except OSError as error:
            raise UserError(f"--id_key_file={path}: {error.strerror}") from error
        name, source = f"--id_key_file={path}", "file"
    elif ID_KEY_VARIABLE in os.environ:
        key = os.environ[ID_KEY_VARIABLE].strip().encode()
        name, source = ID_KEY_VARIABLE, "environment"
    else:
        return secrets.token_bytes(32), "ephemeral"
    if len(key) < MIN_KEY_BYTES:
        raise UserError(
            f"{name}: a key of {len(key)} bytes; give at least {MIN_KEY_BYTES} random ones,"
            " as `openssl rand -hex 32` makes them"
        )
    return key, source


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


def choose_split(draw: float, validation: float, test: float) -> int:
    """The split of a user's posts by `draw_user` and fractions: 0 train, 1 validation, 2 test.

    It does not depend on what other users there are.
    """
    if draw < test:
        return 2
    return 1 if draw < test + validation else 0


def _key(seed: int) -> bytes:
    return seed.to_bytes(8, "little", signed=True)


def _draw(message: bytes, key: bytes) -> float:
    value = hashlib.blake2b(message, digest_size=8, key=key).digest()
    return (int.from_bytes(value, "little") >> 11) / 2**53
