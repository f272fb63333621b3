"""A map of the learned user vectors, and how visible each fact about users is in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy.stats import spearmanr
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from tagkeras.data.cities import nearest_city
from tagkeras.data.facts import Facts
from tagkeras.evaluate.bootstrap import NORMAL_BOUND
from tagkeras.evaluate.groups import name_age_groups
from tagkeras.layers.user_descriptor import UserDescriptor
from tagkeras.report import style
from tagkeras.report.drawing import WIDTH, set_head
from tagkeras.report.formats import compact, shorten
from tagkeras.report.inputs import Inputs, Omitted

_NEIGHBOURS = 10


class Correlation(NamedTuple):
    """Spearman's rank correlation, in [-1, 1], of some users, with its 95% interval."""

    value: float
    low: float
    high: float
    users: int


class Visibility(NamedTuple):
    """The share of users' nearest neighbours that have their own value.

    `expected` is the share if users were shuffled, `users` whose value is known.
    """

    share: float
    expected: float
    users: int


def build(inputs: Inputs) -> dict[str, Any]:
    """Maps with the same points, one for each fact, and how visible the facts are.

    Raises:
        Omitted: there is no multiplicative run whose workdir is there, or there are too few users.
    """
    group, name = inputs.find_user_model()
    run = group.runs[name]
    posts = run.evaluation.posts
    _, rows = np.unique(posts.user_ids, return_index=True)  # the first post of each user
    num_users = len(rows)
    if num_users > inputs.config.map_users:
        rows = np.random.default_rng(0).choice(rows, inputs.config.map_users, replace=False)
    rows.sort()
    age, location = posts.age[rows], posts.location[rows]
    facts = {
        "gender": np.array(posts.gender, object)[rows],
        "country": np.array(posts.country, object)[rows],
    }
    columns = {"age": age, "latitude": location[:, 0], "longitude": location[:, 1], **facts}
    assert run.manifest is not None
    describe = UserDescriptor(Facts.from_dict(run.manifest.user_descriptor))
    vectors = run.restored.embedding.embed_user(describe(columns)).numpy()
    points = map_users(vectors)
    facts["city"] = np.array([name_place(*place) for place in location.tolist()], object)
    figures = {fact: draw_users(points, values, fact) for fact, values in facts.items()}
    facts["age group"] = np.array(name_age_groups(age), object)
    return {
        "figures": [
            inputs.figures.add(figure, f"users-{fact}")
            for fact, figure in {"age": draw_users_by_age(points, age), **figures}.items()
            if fact == "age" or any(facts[fact])
        ],
        "visibility": {
            fact: neighbour_visibility(vectors, values)
            for fact, values in facts.items()
            if sum(map(bool, values)) > 1
        },
        "norm_by_age": norm_by_age(vectors, age),
        "run": name,
        "num_users": num_users,
        "num_shown": len(rows),
        "size": vectors.shape[1],
    }


def map_users(vectors: np.ndarray, *, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Puts users on a plane by t-SNE: near each other where their vectors are.

    The same vectors and seed give the same map.

    Args:
        vectors: float [N, h], the users' h.
        seed: of the map.
        perplexity: how many neighbours of a user count; fewer where there are fewer users.

    Returns:
        float32 [N, 2].

    Raises:
        Omitted: there are too few users, or their vectors are all the same or not finite.

    References:
        van der Maaten and Hinton, "Visualizing Data using t-SNE" (JMLR 2008).
    """
    if len(vectors) < 5:
        raise Omitted(f"a map takes 5 users or more, there are {len(vectors)}.")
    if not np.isfinite(vectors).all():
        raise Omitted("the vectors of some users are not finite.")
    if (vectors == vectors[0]).all():
        raise Omitted("the vectors of all users are the same: there is nothing to map.")
    if vectors.shape[1] == 1:
        vectors = np.pad(vectors, ((0, 0), (0, 1)))
    perplexity = min(perplexity, (len(vectors) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    # One thread: the sums, and with them the map, depend on the number of threads. Beside other
    # busy programs, several were 7 times slower.
    with threadpool_limits(1):
        return np.asarray(tsne.fit_transform(np.asarray(vectors, np.float32)), np.float32)


def norm_by_age(vectors: np.ndarray, age: np.ndarray) -> Correlation | None:
    """The rank correlation of the norms of users' vectors, float [N, h], with their ages.

    Users of unknown age (NaN) are left out. None if fewer than 4 ages are known, or all ages or all
    norms are the same.

    References:
        The interval is Fisher's, with the variance of Bonett and Wright (2000) for ranks.
    """
    known = np.isfinite(age)
    norms, age = np.linalg.norm(vectors[known], axis=1), age[known]
    if len(age) < 4 or np.ptp(age) == 0 or np.ptp(norms) == 0:
        return None
    value = float(spearmanr(norms, age).statistic)
    half = NORMAL_BOUND * np.sqrt((1 + value**2 / 2) / (len(age) - 3))
    middle = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    low, high = np.tanh([middle - half, middle + half]).tolist()
    return Correlation(value, low, high, len(age))


def neighbour_visibility(
    vectors: np.ndarray, values: np.ndarray, *, k: int = _NEIGHBOURS
) -> Visibility:
    """How many of users' nearest neighbours have their value, beside how many would by chance.

    Args:
        vectors: float [N, h].
        values: str [N], at least two known; users whose value is unknown ("") are left out.
        k: neighbours of a user; fewer where there are fewer users.
    """
    known = np.flatnonzero(values != "")
    _, codes = np.unique(values[known].astype(str), return_inverse=True)
    near = _nearest(vectors[known], k)
    share = (codes[near] == codes[:, np.newaxis]).mean()
    alike = np.bincount(codes)[codes] - 1
    return Visibility(float(share), float(alike.mean() / (len(known) - 1)), len(known))


def _nearest(points: np.ndarray, k: int) -> np.ndarray:
    """The rows of each point's k nearest others, int [N, k]; fewer where there are fewer."""
    search = NearestNeighbors(n_neighbors=min(k, len(points) - 1)).fit(points)
    return np.asarray(search.kneighbors(return_distance=False))


def name_place(latitude: float, longitude: float) -> str:
    """The city within 50 km, else the degrees, such as `51.5N 0.1W`; "" if unknown (NaN)."""
    if not np.isfinite([latitude, longitude]).all():
        return ""
    north, east = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    degrees = f"{abs(latitude):.1f}{north} {abs(longitude):.1f}{east}"
    return nearest_city(latitude, longitude) or degrees


# Years at which a colour of the map by age begins.
_AGES = (20, 30, 40, 50, 60)
_AGE_LABELS = ("under 20", "20-29", "30-39", "40-49", "50-59", "60 and over")
# Of the most common values; others are grey.
_COLORS = (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE)
_COLORS += (style.ORANGE, style.SKY, style.OLIVE, style.BROWN)
_MARKERS = "os^DvPX*"
# Points of more users are pixels, which take less room than shapes.
_MAX_SHAPES = 6000


@style.figure_style()
def draw_users_by_age(points: np.ndarray, age: np.ndarray) -> Figure:
    """Draws users, float [N, 2], in the colours of their age groups, unknown ages in grey."""
    decade = np.where(np.isfinite(age), np.digitize(age, _AGES), -1)
    styles = {
        label: (decade == number, color, "o")
        for number, (label, color) in enumerate(zip(_AGE_LABELS, style.SEQUENCE, strict=True))
    }
    styles["unknown"] = (decade == -1, style.UNKNOWN, ".")
    return _draw_map(points, styles, "Users by age")[0]


@style.figure_style()
def draw_users(points: np.ndarray, values: np.ndarray, fact: str) -> Figure:
    """Draws users in a colour and a shape for each of the eight most common values, others grey.

    A value stands on the map as well where most neighbours of its users have it too.

    Args:
        points: float [N, 2], of `map_users`.
        values: str [N]; "" if unknown.
        fact: what they are of, such as `gender`, for the title.
    """
    counts = Counter(value for value in values if value)
    common = sorted(counts, key=lambda value: (-counts[value], value))[: len(_COLORS)]
    styles = {
        shorten(value, 24): (values == value, color, marker)
        for value, color, marker in zip(common, _COLORS, _MARKERS, strict=False)
    }
    styles["others"] = (~np.isin(values, [*common, ""]), style.UNKNOWN, ".")
    styles["unknown"] = (values == "", style.UNKNOWN, "x")
    figure, axes = _draw_map(points, styles, f"Users by {fact}")
    near = _nearest(points, _NEIGHBOURS)
    for value in common if len(common) > 3 else ():  # the legend alone tells fewer apart
        own = np.flatnonzero(values == value)
        if len(own) > _NEIGHBOURS and (values[near[own]] == value).mean() > 0.5:
            middle = np.median(points[own], axis=0)
            x, y = points[own[np.linalg.norm(points[own] - middle, axis=1).argmin()]]
            outline = [withStroke(linewidth=3, foreground=style.SURFACE)]
            axes.text(x, y, shorten(value, 16), ha="center", va="center", path_effects=outline)
    return figure


def _draw_map(
    points: np.ndarray, styles: Mapping[str, tuple[np.ndarray, str, str]], title: str
) -> tuple[Figure, Axes]:
    """Draws users on square axes without numbers: only who is near whom means something.

    Args:
        points: float [N, 2].
        styles: by label, bool [N], who has it, a colour and a marker; the first are in front.
        title: of the figure.
    """
    figure = Figure((WIDTH, WIDTH))
    axes = figure.subplots()
    size = float(np.clip(150 / np.sqrt(len(points)), 1.8, 6))
    legend = []
    for order, (label, (chosen, color, marker)) in enumerate(styles.items()):
        if not chosen.any():
            continue
        options: dict[str, Any] = {"marker": marker, "color": color, "linestyle": "none"}
        options["markeredgewidth"] = 0.9 if marker == "x" else 0.0
        axes.plot(
            *points[chosen].T,
            markersize=size * (1.35 if marker in "*PX." else 1.0),
            alpha=0.55 if color == style.UNKNOWN else 0.8,
            rasterized=len(points) > _MAX_SHAPES,
            zorder=3 - order / len(styles),
            **options,
        )
        label = f"{label} ({compact(int(chosen.sum()))})"
        legend.append(Line2D([], [], label=label, markersize=7, **options))
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.GRID)
    note = f"t-SNE of the learned vectors of {len(points):,} users; only nearness has a meaning."
    set_head(figure, title, legend, note)
    return figure, axes
