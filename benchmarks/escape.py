"""How long the paper's recipe stays at the saddle at zero: positives until a model leaves it.

    python -m benchmarks.escape --model=multiplicative --stddevs=0.1,0.05,0.025

An independent program in NumPy and float64, of the three models and of WARP as Denton et al. train
them (KDD 2015, section 5.2): one positive at a time, SGD at a rate of 0.01 with momentum 0.9, all
weights from N(0, s0^2), columns and rows projected onto the unit ball. The posts are those of
`benchmarks.planted`. A model has left the saddle once a score is as large as the margin: until then
every first draw is a violator, and the gradients of each factor are products of the small others.

Prints one JSON object: for each s0 the positives until then, null where `--max_positives` were not
enough, and seconds.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import planted, post_arrays
from tagkeras.cli.commandline import option, run
from tagkeras.cli.progress import progress

MARGIN, MAX_NEGATIVES = 0.1, 1000
# The projection costs more than the rest of a step.
STEPS_PER_PROJECTION = 20
Weights = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    model: str = option(
        "multiplicative", help="which", choices=("bilinear", "user_biased", "multiplicative")
    )
    stddevs: tuple[str, ...] = option(("0.1", "0.05", "0.025"), help="s0 of all weights")
    user_stddev: float | None = option(None, help="of the user layer W; by default s0")
    user_bias: float = option(0.0, help="that b starts from")
    rank_weight: str = option("harmonic", help="of the loss", choices=("harmonic", "none"))
    learning_rate: float = option(0.01, help="of SGD")
    momentum: float = option(0.9, help="of SGD")
    posts: int = option(5000, help="planted posts to go through, again and again")
    descriptor_size: int = option(64, help="n")
    tags: int = option(1000, help="Y")
    embedding_dim: int = option(64, help="d")
    rank: int = option(100, help="K")
    max_positives: int = option(1_000_000, help="when to give up")
    seed: int = option(0, help="of the weights and the draws")


def main(config: Config) -> None:
    """Simulates and prints."""
    drawn = planted.plant(
        planted.Config(
            output="",
            posts=config.posts,
            descriptor_size=config.descriptor_size,
            tags=config.tags,
        )
    )
    posts = post_arrays.describe_planted(drawn)
    result = {"benchmark": "escape", **dataclasses.asdict(config), "positives": {}, "seconds": {}}
    for stddev in config.stddevs:
        start = time.perf_counter()
        result["positives"][stddev] = escape(config, float(stddev), posts)
        result["seconds"][stddev] = round(time.perf_counter() - start, 1)
    print(json.dumps(result))


def escape(config: Config, stddev: float, posts: post_arrays.PostArrays) -> int | None:
    """The positives until the model leaves the saddle; None where it does not."""
    rng = np.random.default_rng(config.seed)
    weights = _draw_weights(config, stddev, posts, rng)
    velocity = {name: np.zeros_like(weight) for name, weight in weights.items()}
    step = {
        "bilinear": _bilinear,
        "user_biased": _user_biased,
        "multiplicative": _multiplicative,
    }[config.model]
    harmonic = np.cumsum(1 / np.arange(1, config.tags + 1))
    table, table_velocity = weights.pop("V"), velocity.pop("V")
    with progress(f"s0 {stddev:g}", config.max_positives, "positives") as advance:
        for number, (row, positive) in enumerate(_positives(posts, rng), start=1):
            if number > config.max_positives:
                return None
            own = posts.tags[row]
            phi, gradients_of = step(weights, posts.descriptors[row], posts.user_descriptors[row])
            scores = table @ phi
            if np.abs(scores).max() >= MARGIN:
                return number
            draws, negative = _draw(scores, positive, own, rng)
            if negative is not None:
                weight = 1.0
                if config.rank_weight == "harmonic":
                    weight = harmonic[max((config.tags - len(own)) // draws, 1) - 1]
                by_phi = weight * (table[negative] - table[positive])
                gradients = gradients_of(by_phi)
                for tag, sign in ((positive, -1), (negative, 1)):
                    table_velocity[tag] *= config.momentum
                    table_velocity[tag] -= config.learning_rate * sign * weight * phi
                    table[tag] += table_velocity[tag]
                    table[tag] /= max(1.0, float(np.linalg.norm(table[tag])))
                for name, gradient in gradients.items():
                    velocity[name] *= config.momentum
                    velocity[name] -= config.learning_rate * gradient
                    weights[name] += velocity[name]
            if number % STEPS_PER_PROJECTION == 0:
                advance(STEPS_PER_PROJECTION)
                for name in ("P", "alpha", "beta", "gamma"):
                    if name in weights:
                        norms = np.linalg.norm(weights[name], axis=0)
                        weights[name] /= np.maximum(norms, 1.0)
    return None


def _positives(
    posts: post_arrays.PostArrays, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Pairs of a post and one of its tags, pass after pass, each in another order."""
    pairs = np.array([(row, tag) for row, tags in enumerate(posts.tags) for tag in tags])
    while True:
        for place in rng.permutation(len(pairs)):
            yield int(pairs[place, 0]), int(pairs[place, 1])


def _draw(
    scores: np.ndarray, positive: int, own: np.ndarray, rng: np.random.Generator
) -> tuple[int, int | None]:
    """How many draws it took to find a violator, and which; None if there is none."""
    violates = scores > scores[positive] - MARGIN
    tags = rng.integers(len(scores), size=MAX_NEGATIVES)
    tags = tags[~np.isin(tags, own)]
    found = violates[tags]
    first = int(found.argmax())
    return (first + 1, int(tags[first])) if found[first] else (len(tags), None)


def _draw_weights(
    config: Config, stddev: float, posts: post_arrays.PostArrays, rng: np.random.Generator
) -> Weights:
    n, m = posts.descriptors.shape[1], posts.user_descriptors.shape[1]
    d, k, hidden = config.embedding_dim, config.rank, 24
    shapes = {"V": (config.tags, d)}
    if config.model == "multiplicative":
        shapes |= {"W": (hidden, m), "alpha": (hidden, k), "beta": (d, k), "gamma": (n, k)}
    else:
        shapes |= {"P": (d, n)} | ({"S": (d, m)} if config.model == "user_biased" else {})
    weights = {name: rng.normal(0, stddev, shape) for name, shape in shapes.items()}
    if config.model == "multiplicative":
        weights["W"] *= (config.user_stddev or stddev) / stddev
        weights["b"] = np.full(hidden, config.user_bias)
    return weights


# Each model gives phi, and the gradients of its weights by the gradient of phi.
Step = tuple[np.ndarray, Callable[[np.ndarray], Weights]]


def _bilinear(w: Weights, x: np.ndarray, u: np.ndarray) -> Step:
    return w["P"] @ x, lambda by_phi: {"P": np.outer(by_phi, x)}


def _user_biased(w: Weights, x: np.ndarray, u: np.ndarray) -> Step:
    phi = w["P"] @ x + w["S"] @ u
    return phi, lambda by_phi: {"P": np.outer(by_phi, x), "S": np.outer(by_phi, u)}


def _multiplicative(w: Weights, x: np.ndarray, u: np.ndarray) -> Step:
    hidden = np.maximum(w["W"] @ u + w["b"], 0)
    gates, factors = w["alpha"].T @ hidden, w["gamma"].T @ x

    def gradients(by_phi: np.ndarray) -> Weights:
        by_product = w["beta"].T @ by_phi
        by_gates, by_factors = by_product * factors, by_product * gates
        by_hidden = (w["alpha"] @ by_gates) * (hidden > 0)
        return {
            "W": np.outer(by_hidden, u),
            "b": by_hidden,
            "alpha": np.outer(hidden, by_gates),
            "beta": np.outer(by_phi, gates * factors),
            "gamma": np.outer(x, by_factors),
        }

    return w["beta"] @ (gates * factors), gradients


if __name__ == "__main__":
    run(main, Config)
