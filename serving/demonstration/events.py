"""What all events of the page have in common."""

from typing import Any

# Nothing dims while one is under way, and none is part of a public API.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
