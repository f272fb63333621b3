"""Names of places: the nearest known town, or degrees."""

from collections.abc import Mapping

import numpy as np

_EARTH_RADIUS_KM = 6371.0


def name_places(
    location: np.ndarray,
    names: Mapping[str, tuple[float, float]] | None = None,
    within_km: float = 50.0,
) -> list[str]:
    """Names each place.

    Args:
        location: float [N, 2], latitude and longitude in degrees; NaN if unknown.
        names: latitude and longitude of known towns.
        within_km: how far from a town a place may be to have its name.

    Returns:
        N names: of the nearest town, else the place in degrees, such as `51.5N 0.1W`; empty if
        unknown.
    """
    location = np.asarray(location, np.float64).reshape(-1, 2)
    labels = [_degrees(latitude, longitude) for latitude, longitude in location]
    if not names or len(location) == 0:
        return labels
    towns = list(names)
    distance = _EARTH_RADIUS_KM * _angles(location, np.array([names[town] for town in towns]))
    known = ~np.isnan(location.sum(axis=1))
    nearest = np.where(known[:, np.newaxis], distance, np.inf).argmin(axis=1)
    for row in np.flatnonzero(known):
        if distance[row, nearest[row]] <= within_km:
            labels[row] = towns[nearest[row]]
    return labels


def _angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angles in radians between places, [N, 2] and [M, 2] to [N, M], by the haversine formula."""
    latitude, longitude = np.radians(one)[:, np.newaxis].transpose(2, 0, 1)
    other_latitude, other_longitude = np.radians(other)[np.newaxis].transpose(2, 0, 1)
    haversine = (
        np.sin((latitude - other_latitude) / 2) ** 2
        + np.cos(latitude) * np.cos(other_latitude) * np.sin((longitude - other_longitude) / 2) ** 2
    )
    return 2 * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))


def _degrees(latitude: float, longitude: float) -> str:
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return ""
    north, east = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    return f"{abs(latitude):.1f}{north} {abs(longitude):.1f}{east}"
