"""The evaluation as docs/metrics.md defines it, by loops over sets and lists: the oracle."""

import fractions
import itertools
import math

import numpy as np


def ranking(scores, k):
    """The k best ids of one post's scores, ties to the lower id."""
    return sorted(range(len(scores)), key=lambda tag: (-scores[tag], tag))[:k]


def metrics_of_post(ranked, truth, num_truth, k):
    """P, R, A, nDCG and MRR at k of one post: ids best first, set of known ids, |truth|."""
    hits = [place for place, tag in enumerate(ranked[:k], start=1) if tag in truth]
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, num_truth) + 1))
    gain = sum(1 / math.log2(place + 1) for place in hits)
    return {
        f"P@{k}": len(hits) / k,
        f"R@{k}": len(hits) / num_truth if num_truth else 0.0,
        f"A@{k}": float(bool(hits)),
        f"nDCG@{k}": gain / ideal if num_truth else 0.0,
        f"MRR@{k}": 1 / hits[0] if hits else 0.0,
    }


def mean_metrics(ranked, truth, num_truth, ks):
    """Metrics of the posts, averaged: {name: mean}."""
    posts = [
        {name: value for k in ks for name, value in metrics_of_post(r, t, n, k).items()}
        for r, t, n in zip(ranked, truth, num_truth, strict=True)
    ]
    return {name: sum(post[name] for post in posts) / len(posts) for name in posts[0]}


def variety(ranked, num_tags, k):
    """(coverage@k, entropy@k in bits) of lists of ids."""
    drawn = [tag for row in ranked for tag in row[:k]]
    shares = [drawn.count(tag) / len(drawn) for tag in set(drawn)]
    return len(set(drawn)) / num_tags, -sum(p * math.log2(p) for p in shares)


def tag_row(tag, ranked, truth, k):
    """(truth, predicted, hits, precision or None, recall or None) of one hashtag at k."""
    true = sum(tag in t for t in truth)
    predicted = sum(tag in r[:k] for r in ranked)
    hits = sum(tag in r[:k] and tag in t for r, t in zip(ranked, truth, strict=True))
    return (
        true,
        predicted,
        hits,
        hits / predicted if predicted else None,
        hits / true if true else None,
    )


def precision_recall(scores, truth):
    """[(recall, precision)] at every threshold, falling: posts of one score pass together."""
    points = []
    for threshold in sorted(set(scores), reverse=True):
        passed = [has for score, has in zip(scores, truth, strict=True) if score >= threshold]
        points.append((sum(passed) / sum(truth), sum(passed) / len(passed)))
    return points


def average_precision(scores, truth):
    """The rise in recall times the precision, over thresholds; None if no post has the tag."""
    if not any(truth):
        return None
    total, before = 0.0, 0.0
    for recall, precision in precision_recall(scores, truth):
        total, before = total + (recall - before) * precision, recall
    return total


def age_group(age, boundaries):
    """The index of an age among the groups: 0 is below the first boundary; None unknown."""
    return None if math.isnan(age) else sum(age >= boundary for boundary in boundaries)


def demographic_shares(posts, groups, asked, num_tags, weight=100):
    """Smoothed share of each tag among the training posts (sets of ids) of group `asked`, exact."""
    members = [tags for tags, group in zip(posts, groups, strict=True) if group == asked]
    shares = []
    for tag in range(num_tags):
        everyone = fractions.Fraction(sum(tag in tags for tags in posts), len(posts))
        group = sum(tag in tags for tags in members)
        shares.append((group + weight * everyone) / (len(members) + weight))
    return shares


def neighbour_votes(descriptors, posts, asked, num_tags, neighbours=50):
    """Votes for each tag by the training images nearest to the descriptor `asked` by cosine."""
    cosines = [
        float(np.dot(row, asked) / max(np.linalg.norm(row) * np.linalg.norm(asked), 1e-30))
        for row in np.asarray(descriptors, np.float64)
    ]
    votes = [0.0] * num_tags
    for post in sorted(range(len(posts)), key=lambda post: -cosines[post])[:neighbours]:
        for tag in posts[post]:
            votes[tag] += cosines[post]
    return votes


def sign_flip_exact(users, differences):
    """P(|mean| at least as far from 0 as the observed), over all signs of the users' sums."""
    sums = [
        sum(d for user, d in zip(users, differences, strict=True) if user == who)
        for who in sorted(set(users))
    ]
    observed = abs(sum(sums))
    flipped = [
        abs(sum(sign * s for sign, s in zip(signs, sums, strict=True))) >= observed - 1e-12
        for signs in itertools.product((-1, 1), repeat=len(sums))
    ]
    return sum(flipped) / len(flipped)
