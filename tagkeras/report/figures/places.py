"""Names of places: the nearest known city, or degrees."""

import numpy as np

from tagkeras.data.cities import nearest_city


def name_places(location: np.ndarray) -> list[str]:
    """Names each place.

    Args:
        location: float [N, 2], latitude and longitude in degrees; NaN if unknown.

    Returns:
        N names: of the nearest city within 50 km (`tagkeras.data.cities`), else the place in
        degrees, such as `51.5N 0.1W`; empty if unknown.
    """
    return [nearest_city(*place) or _degrees(*place) for place in location.tolist()]


def _degrees(latitude: float, longitude: float) -> str:
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return ""
    north, east = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
    return f"{abs(latitude):.1f}{north} {abs(longitude):.1f}{east}"
