"""A map of the learned user vectors, and how visible each fact about users is in them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy.stats import pearsonr, rankdata
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from tagkeras.data.cities import nearest_city
from tagkeras.data.facts import AGE, LATITUDE, LONGITUDE
from tagkeras.evaluate.config import AGE_BOUNDS
from tagkeras.evaluate.groups import age_group_names, name_age_groups
from tagkeras.layers.user_descriptor import UserDescriptor
from tagkeras.report import style
from tagkeras.report.drawing import WIDTH, set_head
from tagkeras.report.formats import compact, shorten
from tagkeras.report.inputs import Inputs, Omitted

_NEIGHBOURS = 10


def build(inputs: Inputs) -> dict[str, Any]:
    """Maps with the same points, one for each fact, and how visible the facts are."""
    group, name = inputs.find_user_model()
    run = group.runs[name]
    posts = run.evaluation.posts
    _, rows = np.unique(posts.user_ids, return_index=True)  # the first post of each user
    num_users = len(rows)
    if num_users > inputs.config.map_users:
        rows = np.random.default_rng(0).choice(rows, inputs.config.map_users, replace=False)
    rows.sort()
    assert run.manifest is not None
    telling = run.manifest.telling_facts
    if not telling:
        raise Omitted("training posts tell no users apart: to the model all are the same.")
    columns = {name: values[rows] for name, values in posts.facts.items()}
    describe = UserDescriptor(run.manifest.facts)
    vectors = run.restored.embedding.embed_user(describe(columns)).numpy()
    points = map_users(vectors)
    facts = {fact.name: columns[fact.name] for fact in telling if fact.is_text}
    if AGE in telling:
        facts = {AGE.name: np.array(name_age_groups(columns[AGE.name]), object), **facts}
    if LATITUDE in telling:
        places = zip(columns[LATITUDE.name].tolist(), columns[LONGITUDE.name].tolist(), strict=True)
        facts["city"] = np.array([name_place(*place) for place in places], object)
    known = {fact: values for fact, values in facts.items() if sum(map(bool, values)) > 1}
    return {
        "figures": [
            inputs.figures.add(draw_users(points, values, fact), f"users-{fact}")
            for fact, values in known.items()
        ],
        "visibility": {fact: neighbour_visibility(vectors, known[fact]) for fact in known},
        "norm_by_age": norm_by_age(vectors, columns[AGE.name]) if AGE in telling else None,
        "ignored": run.ignored_facts,
        "run": name,
        "posts": group.name,
        "num_users": num_users,
        "num_shown": len(rows),
        "size": vectors.shape[1],
    }


def map_users(vectors: np.ndarray) -> np.ndarray:
    """Puts users on a plane by t-SNE: near each other where their vectors h, float [N, h], are.

    Gives float32 [N, 2], the same for the same vectors.

    Raises:
        Omitted: there are too few users, or their vectors are not finite or all the same.

    References:
        van der Maaten and Hinton, "Visualizing Data using t-SNE" (JMLR 2008).
    """
    if len(vectors) < 5 or not np.isfinite(vectors).all() or (vectors == vectors[0]).all():
        raise Omitted("it takes five users or more, whose vectors are finite and differ.")
    if vectors.shape[1] == 1:
        vectors = np.pad(vectors, ((0, 0), (0, 1)))
    tsne = TSNE(perplexity=min(30, (len(vectors) - 1) / 3), init="pca", random_state=0)
    # One thread: the sums, and with them the map, depend on the number of threads. Beside other
    # busy programs, several were 7 times slower.
    with threadpool_limits(1):
        return np.asarray(tsne.fit_transform(np.asarray(vectors, np.float32)), np.float32)


def norm_by_age(vectors: np.ndarray, age: np.ndarray) -> dict[str, float] | None:
    """The rank correlation of the norms of users' vectors, float [N, h], with their ages.

    `value`, `low` and `high` of its 95% interval, and the number of `users` of known age; None if
    these are fewer than 4, or all ages or all norms are the same.
    """
    known = np.isfinite(age)
    norms, age = np.linalg.norm(vectors[known], axis=1), age[known]
    if len(age) < 4 or np.ptp(age) == 0 or np.ptp(norms) == 0:
        return None
    found = pearsonr(rankdata(norms), rankdata(age))
    low, high = found.confidence_interval()
    return {"value": found.statistic, "low": low, "high": high, "users": len(age)}


def neighbour_visibility(
    vectors: np.ndarray, values: np.ndarray, *, k: int = _NEIGHBOURS
) -> dict[str, float]:
    """How many of users' nearest neighbours have their value, beside how many would by chance.

    Of vectors, float [N, h], and values, str [N], at least two of them known: the mean `share` of k
    neighbours over users, that `expected` if users were shuffled, and the number of `users`. Those
    whose value is unknown ("") are left out.
    """
    known = np.flatnonzero(values != "")
    _, codes = np.unique(values[known].astype(str), return_inverse=True)
    near = _nearest(vectors[known], k)
    share = (codes[near] == codes[:, np.newaxis]).mean()
    alike = np.bincount(codes)[codes] - 1
    expected = alike.mean() / (len(known) - 1)
    return {"share": float(share), "expected": float(expected), "users": len(known)}


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


# Of the most common values; others are grey.
_COLORS = (
    *(style.BLUE, style.VERMILION, style.GREEN, style.PURPLE),
    *(style.ORANGE, style.SKY, style.OLIVE, style.BROWN),
)
_MARKERS = "os^DvPX*"
# Points of more users are pixels, which take less room than shapes.
_MAX_SHAPES = 6000


@style.figure_style()
def draw_users(points: np.ndarray, values: np.ndarray, fact: str) -> Figure:
    """Draws users in a colour and a shape for each of the eight most common values, others grey.

    Points, float [N, 2], are of `map_users`; values, str [N], of a fact, "" if unknown. Age groups
    have the colours of a sequence. The axes have no numbers: only who is near whom means something.
    A value stands on the map where most neighbours of its users have it too.
    """
    counts = Counter(value for value in values if value)
    shown = sorted(counts, key=lambda value: (-counts[value], value))[: len(_COLORS)]
    colors: Sequence[str] = _COLORS
    markers = _MARKERS
    if fact == "age":
        shown = [group for group in age_group_names(AGE_BOUNDS) if group in counts]
        colors, markers = style.SEQUENCE, "o" * len(style.SEQUENCE)
    series = [(v, values == v, *s) for v, *s in zip(shown, colors, markers, strict=False)]
    series.append(("others", ~np.isin(values, [*shown, ""]), style.UNKNOWN, "."))
    series.append(("unknown", values == "", style.UNKNOWN, "x"))
    width, height = np.ptp(points, axis=0) + 1
    figure = Figure((WIDTH, WIDTH * float(np.clip(height / width, 0.5, 1))))
    axes = figure.subplots()
    size = float(np.clip(150 / np.sqrt(len(points)), 1.8, 6))
    legend = []
    for order, (value, chosen, color, marker) in enumerate(series):
        if chosen.any():
            options: dict[str, Any] = {"marker": marker, "color": color, "linestyle": "none"}
            options["markeredgewidth"] = 0.9 if marker == "x" else 0.0
            axes.plot(
                *points[chosen].T,
                markersize=size * (1.35 if marker in "*PX." else 1.0),
                alpha=0.55 if color == style.UNKNOWN else 0.8,
                rasterized=len(points) > _MAX_SHAPES,
                zorder=3 - order / len(series),
                **options,
            )
            label = f"{shorten(value, 24)} ({compact(int(chosen.sum()))})"
            legend.append(Line2D([], [], label=label, markersize=7, **options))
    if fact != "age" and len(shown) > 3:  # the legend alone tells fewer apart
        _label_values(axes, points, values, shown)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.GRID)
    note = f"t-SNE of the learned vectors of {len(points):,} users; only nearness has a meaning."
    set_head(figure, f"Users by {fact}", legend, note)
    return figure


def _label_values(axes: Axes, points: np.ndarray, values: np.ndarray, shown: Sequence[str]) -> None:
    """Writes a value at its most central user, if most neighbours of its users have it too."""
    near = _nearest(points, _NEIGHBOURS)
    for value in shown:
        own = np.flatnonzero(values == value)
        if len(own) > _NEIGHBOURS and (values[near[own]] == value).mean() > 0.5:
            distances = np.linalg.norm(points[own] - np.median(points[own], axis=0), axis=1)
            x, y = points[own[distances.argmin()]]
            axes.annotate(
                shorten(value, 16),
                (x, y),
                (0, 9),
                textcoords="offset points",
                ha="left" if x < points[:, 0].mean() else "right",
                path_effects=[withStroke(linewidth=3, foreground=style.SURFACE)],
            )
