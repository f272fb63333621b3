import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_metrics import metrics_of_post

from tagkeras.evaluate.post_scores import post_scores


def test_by_hand():
    hits = np.array([[True, False, True], [False, False, False]])
    scores = post_scores(hits, np.array([4, 1]), ks=[1, 3])
    expected = {
        "P@1": 1,
        "P@3": 2 / 3,
        "R@1": 1 / 4,
        "R@3": 2 / 4,
        "A@1": 1,
        "A@3": 1,
        "nDCG@1": 1,
        "nDCG@3": (1 + 1 / 2) / (1 + 1 / np.log2(3) + 1 / 2),
        "MRR@1": 1,
        "MRR@3": 1,
    }
    assert list(scores) == list(expected)
    for name, value in expected.items():
        assert scores[name].dtype == np.float64
        np.testing.assert_allclose(scores[name], [value, 0], rtol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_against_the_oracle(data):
    k = data.draw(st.integers(1, 6))
    rows = st.lists(st.booleans(), min_size=k, max_size=k)
    posts = data.draw(st.lists(rows, min_size=1, max_size=8))
    num_truth = [max(1, sum(row) + data.draw(st.integers(0, 8))) for row in posts]
    ks = sorted(data.draw(st.sets(st.integers(1, k), min_size=1)))
    scores = post_scores(np.array(posts), np.array(num_truth), ks)
    for row, (hits, size) in enumerate(zip(posts, num_truth, strict=True)):
        truth = {place for place, hit in enumerate(hits) if hit}
        for at in ks:
            for name, value in metrics_of_post(range(k), truth, size, at).items():
                np.testing.assert_allclose(scores[name][row], value, rtol=1e-6, err_msg=name)
                assert 0 <= scores[name][row] <= 1 + 1e-6
