"""The small world is what it says, and its oracles are right."""

import collections
import functools

import numpy as np
import pytest

from tagkeras.data.hashtags import normalize
from tagkeras.synthetic.posts import draw_posts
from tagkeras.synthetic.tables import AGE_GROUPS, CITIES, GENDERS, HASHTAG_ROWS, NUM_THINGS, THINGS
from tagkeras.synthetic.world import Profile, World

TOP_K = 10


@functools.cache
def world():
    return World()


@functools.cache
def posts(seed, count=3000):
    return list(draw_posts(world(), count, seed))


def scores(seed, predict):
    """P@1, R@10 and A@10 of a way to rank."""
    rows = []
    for post in posts(seed):
        probabilities = predict(post)
        best = np.argsort(-probabilities, kind="stable")[:TOP_K]
        hits = [world().hashtags[column] in post.hashtags for column in best]
        rows.append((hits[0], sum(hits) / len(post.hashtags), any(hits)))
    return np.mean(rows, axis=0)


def test_size():
    assert len(THINGS) >= 30
    assert len(CITIES) >= 20
    assert {city.country for city in CITIES} == {"US", "GB", "CA", "AU", "NZ"}
    assert len(world().hashtags) >= 300
    assert all(normalize(hashtag) == hashtag for hashtag in world().hashtags)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mean_hashtags_of_a_post(seed):
    assert 2.6 <= np.mean([len(post.hashtags) for post in posts(seed)]) <= 2.8
    assert all(len(set(post.hashtags)) == len(post.hashtags) >= 1 for post in posts(seed))


def test_frequencies_are_zipf_like():
    counts = collections.Counter(tag for post in posts(1, 20_000) for tag in post.hashtags)
    ranked = np.array(sorted(counts.values(), reverse=True), float)
    ranks = np.arange(1, len(ranked) + 1)
    slope = np.polyfit(np.log(ranks), np.log(ranked), 1, w=1 / ranks**0.5)[0]
    assert -1.2 < slope < -0.5
    assert ranked[0] > 8 * np.median(ranked)
    top = {tag for tag, _ in counts.most_common(12)}
    assert {"tbt", "love", "wcw", "mcm"} <= {tag for tag, _ in counts.most_common(40)}
    assert "tbt" in top


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_image_and_user_both_matter(seed):
    both = scores(seed, lambda post: world().given_both(post.picture, post.profile))
    image = scores(seed, lambda post: world().given_picture(post.picture))
    user = scores(seed, lambda post: world().given_user(post.profile))
    frequency = scores(seed, lambda post: world().marginal())
    assert max(image[1], user[1]) <= 0.8 * both[1]
    assert (frequency < user).all()
    assert (user < both).all()
    assert (image < both).all()
    assert both[1] > 0.7


def test_hashtags_depend_on_image_on_user_and_on_both():
    kinds = world().hashtag_kinds
    counts = collections.Counter(kinds.values())
    assert counts["both"] > 200
    assert min(counts["image"], counts["user"]) >= 10
    assert kinds["mcm"] == kinds["london"] == "user"
    assert kinds["beach"] == kinds["gym"] == "image"
    assert kinds["football"] == kinds["jandals"] == "both"


@pytest.mark.parametrize(
    ("thing", "here", "there", "word_here", "word_there"),
    [
        ("ball", "GB", "US", "football", "soccer"),
        ("tree", "GB", "CA", "autumn", "fall"),
        ("truck", "GB", "AU", "lorry", "ute"),
        ("flipflops", "NZ", "AU", "jandals", "thongs"),
    ],
)
def test_same_picture_other_country_other_word(thing, here, there, word_here, word_there):
    picture = (world().things.index(thing),)
    for country, word, other in ((here, word_here, word_there), (there, word_there, word_here)):
        probabilities = dict(
            zip(
                world().hashtags,
                world().given_both(picture, Profile(country=country)),
                strict=True,
            )
        )
        assert probabilities[word] > 5 * probabilities[other]
        assert probabilities[word] > 0.2


def brute_force(picture, city, age_group, gender):
    """Chances by reading the table's rows one after the other, without World's algebra."""
    _, factor = NUM_THINGS[len(picture)]
    words = {city.country, city.name, age_group.name, gender.word}
    left_out = collections.defaultdict(lambda: 1.0)
    for row in HASHTAG_ROWS:
        if (row.thing is None or row.thing in picture) and fits_who(row.who, words):
            for tag, chance in row.hashtags:
                left_out[tag] *= 1 - chance * (1 if row.thing is None else factor)
    return {tag: 1 - value for tag, value in left_out.items()}


def fits_who(who, words):
    kinds = (
        {city.country for city in CITIES},
        {city.name for city in CITIES},
        {group.name for group in AGE_GROUPS},
        {gender.word for gender in GENDERS},
    )
    return all(not (who & kind) or (who & kind & words) for kind in kinds)


@pytest.mark.parametrize("index", [0, 7, 123, 1999])
def test_chances_against_the_rows_of_the_table(index):
    post = posts(1)[index]
    for kind in (0, 50, len(world().population.kinds) - 1):
        city, age_group, gender = world().population.kinds[kind]
        expected = brute_force(post.picture, city, age_group, gender)
        chances = world().chances(post.picture, np.array([kind]))[0]
        for tag, chance in zip(world().hashtags, chances, strict=True):
            assert chance == pytest.approx(expected.get(tag, 0.0), abs=1e-9)


def test_oracle_is_the_frequency_in_simulated_posts():
    """Posts of one picture by users of whom only the country is known, drawn again and again."""
    rng = np.random.default_rng(0)
    picture, draws = (world().things.index("ball"),), 20_000
    kinds = np.array(
        [k for k, (city, _, _) in enumerate(world().population.kinds) if city.country == "GB"]
    )
    shares = world().population.shares[kinds]
    drawn = rng.choice(kinds, size=draws, p=shares / shares.sum())
    counts = np.zeros(len(world().hashtags))
    for kind, times in collections.Counter(drawn.tolist()).items():
        chances = world().chances(picture, np.array([kind]))[0]
        included = rng.random((3 * times + 50, len(chances))) < chances
        counts += included[included.any(axis=1)][:times].sum(axis=0)
    expected = world().given_both(picture, Profile(country="GB"))
    deviation = np.sqrt(expected * (1 - expected) / draws) + 1e-4
    assert (np.abs(counts / draws - expected) < 5 * deviation).all()


def test_what_is_not_said_is_averaged_over():
    picture = (world().things.index("phone"),)
    population = world().population
    expected = np.zeros(len(world().hashtags))
    for kind, share in enumerate(population.shares):
        chances = world().chances(picture, np.array([kind]))[0]
        expected += share * chances / (1 - np.prod(1 - chances))
    np.testing.assert_allclose(world().given_both(picture, Profile()), expected, rtol=1e-9)
    np.testing.assert_allclose(world().given_picture(picture), expected, rtol=1e-9)


def test_posts_repeat_with_the_seed_and_begin_alike():
    assert posts(1, 200) == posts(1)[:200] == list(draw_posts(world(), 200, 1))
    assert posts(1, 200) != posts(2, 200)


def test_profiles_leave_facts_out_now_and_then():
    profiles = [post.profile for post in posts(1)]
    for fact in ("age", "gender", "country", "latitude"):
        unknown = np.mean([getattr(profile, fact) is None for profile in profiles])
        assert 0.03 < unknown < 0.12
    assert all((p.latitude is None) == (p.longitude is None) for p in profiles)
