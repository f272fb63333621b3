"""The manifest of a dataset to inspect, of a form that the rest can rely on."""

from collections.abc import Callable
from typing import Any

from beam.inspect.dataset_files import REMEDY, load_file
from beam.running import storage
from tagkeras.cli.errors import UserError
from tagkeras.data.manifest import DESCRIPTOR_DTYPES, FILE_NAME, SPLIT_COUNTS, SPLITS, Manifest

# No count of a dataset comes near it, and sums of some stay far below 2^63.
_MAX_COUNT = 2**40


def load_manifest(dataset: str) -> Manifest:
    """Reads `dataset.json` and checks that each field has the form of its own.

    Args:
        dataset: folder, local or a URI.

    Raises:
        UserError: there is none, or a field cannot be what `beam.preprocess` wrote.
    """
    path = storage.join(dataset, FILE_NAME)
    manifest = load_file(path, lambda local: Manifest.load(local.parent))
    for name, is_good in _FORMS.items():
        if not is_good(getattr(manifest, name)):
            raise UserError(f"{path}: {name!r} has not the form that it should have: {REMEDY}")
    if (manifest.cnn is None) != (manifest.image_decoder is None):
        raise UserError(f"{path}: only one of 'cnn' and 'image_decoder' is there: {REMEDY}")
    return manifest


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MAX_COUNT


def _is_size(value: Any) -> bool:
    return _is_count(value) and value > 0


def _are_counts(value: Any, *names: str) -> bool:
    """Whether a value is a dict of counts, and has those of some names."""
    return (
        isinstance(value, dict)
        and all(_is_count(count) for count in value.values())
        and all(name in value for name in names)
    )


def _are_splits(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and sorted(value) == sorted(SPLITS)
        and all(_are_counts(counts, *SPLIT_COUNTS) for counts in value.values())
    )


def _is_user_descriptor(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    countries = value.get("countries")
    return (
        isinstance(countries, list)
        and all(isinstance(country, str) for country in countries)
        and value.get("size") == 5 + len(countries)
    )


def _is_decoder(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, dict) and all(_is_size(value.get(n)) for n in ("height", "width"))


def _is_distribution(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    histograms = value.get("tags_by_training_posts")
    return value.get("name") == "natural" or (
        value.get("name") == "balanced"
        and isinstance(value.get("target"), int | float)
        and isinstance(histograms, dict)
        and all(_are_counts(histograms.get(name)) for name in ("natural", "balanced"))
    )


def _are_all_counts(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and all(_is_count(value.get(name)) for name in ("posts_read", "posts_written"))
        and all(_are_counts(value.get(name)) for name in ("rejected", "dropped"))
    )


_FORMS: dict[str, Callable[[Any], bool]] = {
    "descriptor_size": _is_size,
    "descriptor_dtype": lambda value: value in DESCRIPTOR_DTYPES,
    "num_tags": _is_size,
    "splits": _are_splits,
    "user_descriptor": _is_user_descriptor,
    "image_decoder": _is_decoder,
    "cnn": lambda value: value is None or isinstance(value, dict),
    "distribution": _is_distribution,
    "privacy": lambda value: isinstance(value, dict),
    "counts": _are_all_counts,
    "versions": lambda value: isinstance(value, dict),
}
