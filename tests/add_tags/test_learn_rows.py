"""The pairs that new rows learn from, and what WARP expects to lose of them."""

import numpy as np
import pytest
import tensorflow as tf

from tagkeras.add_tags import learn_rows as module
from tagkeras.add_tags.embedded_posts import EmbeddedPosts
from tagkeras.add_tags.learn_rows import Pool, find_known_pairs, find_new_pairs, learn_rows

# Known tags 0, 1, 2 and new ones 3, 4 in the plane.
TABLE = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)


def everything(table):
    return Pool.draw(table, 100, np.random.default_rng(0))


def learn(table, examples, background, **options):
    """The row of the one new tag."""
    values = {"share": 0.1, "steps": 300, "learning_rate": 0.05, "margin": 0.1, "max_norm": 1.0}
    options = {**values, "seed": 0, **options}
    return learn_rows(table, 1, examples, background, **options)[0]


def test_pool_of_all_tags_or_of_some():
    pool = everything(TABLE)
    np.testing.assert_array_equal(pool.rows, TABLE)
    assert pool.tags_per_row == 1
    assert pool.own([[2, 3], []]).tolist() == [[False, False, True], [False] * 3]
    some = Pool.draw(TABLE, 2, np.random.default_rng(0))
    assert some.tags_per_row == 1.5
    (left_out,) = np.flatnonzero(some.column < 0)
    np.testing.assert_array_equal(some.rows[some.column[(left_out + 1) % 3]], TABLE[left_out - 2])
    assert some.own([[0, 1, 2]]).tolist() == [[True, True]]


def test_pairs_of_new_and_of_known_tags():
    post, tag = find_new_pairs([[0, 4], [1], [3, 4]], 3)
    assert (post.tolist(), tag.tolist()) == ([0, 2, 2], [1, 0, 1])
    # f of the first post: 1, 0, 0.6; of the second 0.8, 0.6, 0.96.
    phi = np.array([[1, 0], [0.8, 0.6]], np.float32)
    posts = EmbeddedPosts(phi, [[1, 3], [0, 1]])
    post, threshold, weight = find_known_pairs(posts, TABLE, everything(TABLE), 0.1)
    assert post.tolist() == [0, 1, 1]
    np.testing.assert_allclose(threshold, [-0.1, 0.7, 0.5], atol=1e-6)
    # 2 known tags violate the first pair, 1 each of the others: its own tags do not.
    np.testing.assert_allclose(weight, [(1 + 1 / 2 + 1 / 3) / 3, 0.75, 0.75], rtol=1e-5)


@pytest.mark.parametrize(("top", "share"), [(10, 1), (3, 3 / 4)])
def test_loss_of_new_pairs(monkeypatch, top, share):
    """Violators count in full up to a number of them."""
    monkeypatch.setattr(module, "TOP", top)
    rows = tf.Variable([[0.5, 0.5], [0.9, 0.1]])
    phi = np.array([[1, 0], [0.6, 0.8]], np.float32)
    own_pool = np.array([[True, False, False], [False, False, False]])
    own_new = np.array([[True, False], [False, True]])
    loss = module.new_pairs_loss(
        rows,
        everything(TABLE),
        0.1,
        *map(tf.constant, (phi, np.array([0, 1]), own_pool, own_new, np.float32([1, 10]))),
    )
    # First post: f(y+) = 0.5; 0.6 of tag 2 and 0.9 of the other new tag violate, 0 does not.
    first = (0.6 - 0.4) + (0.9 - 0.4)
    # Second: f(y+) = 0.62; known 0.6, 0.8, 1.0 and new 0.7 violate.
    second = share * sum(s - 0.52 for s in (0.6, 0.8, 1.0, 0.7))
    np.testing.assert_allclose(loss, first + 10 * second, rtol=1e-5)


def test_loss_of_known_pairs():
    rows = tf.Variable([[1.0, 0.0], [0.0, 1.0]])
    phi = np.array([[0.5, 0.3], [1, 1]], np.float32)
    own = np.array([[False, False], [True, False]])
    weight, threshold = np.float32([2, 3]), np.float32([0.4, 0.9])
    loss = module.known_pairs_loss(rows, *map(tf.constant, (phi, threshold, own, weight)))
    np.testing.assert_allclose(loss, 2 * 0.1 + 3 * 0.1, rtol=1e-5)


def at(degrees):
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)


@pytest.fixture
def posts():
    """Examples of new tag 3 at 45 degrees; background at 30, with tag 0, and at 60, with tag 1."""
    noise = np.random.default_rng(1).normal(scale=3, size=120)
    phi = at(np.repeat([45, 30, 60], [20, 50, 50]) + noise)
    return EmbeddedPosts(phi[:20], [[3]] * 20), EmbeddedPosts(phi[20:], [[0]] * 50 + [[1]] * 50)


def test_the_share_decides_between_examples_and_background(posts):
    examples, background = posts
    table = at(np.array([30, 60, 200]))
    often, rarely = (learn(table, examples, background, share=share) for share in (0.4, 1e-4))
    np.testing.assert_allclose(often, at(45), atol=0.02)
    best_known = (examples.phi @ table.T).max(axis=1)
    assert (examples.phi @ often > best_known).mean() > 0.5
    # Where it is hardly expected, it stays the margin below the tags that the background has.
    own = np.repeat(table[:2], 50, axis=0)
    thresholds = (background.phi * own).sum(axis=1) - 0.1
    assert (background.phi @ often > thresholds).mean() > 0.5
    assert (background.phi @ rarely > thresholds).mean() < 0.05
    assert (examples.phi @ rarely > 0.7).all()


def test_a_post_counts_once_however_many_tags_it_has(posts):
    examples, background = posts
    table = at(np.array([30, 60, 200]))
    twice = background._replace(tags=[2 * tags for tags in background.tags])
    expected = learn(table, examples, background)
    np.testing.assert_allclose(learn(table, examples, twice), expected, atol=1e-3)


def test_no_step_is_the_mean_direction(posts):
    examples, background = posts
    examples = EmbeddedPosts(2 * examples.phi, [[3]] * 20)
    row = learn(TABLE, examples, background, steps=0)
    mean = examples.phi.mean(axis=0)
    np.testing.assert_allclose(row, mean / np.linalg.norm(mean), rtol=1e-5)
