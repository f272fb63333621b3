"""What all events of the page have in common."""

from typing import Any

# Nothing dims while one is under way, and none is part of a public API. Each is a request of its
# own: of Gradio's queue, a browser gets the answers by one stream, which it takes for open when it
# asks again just as the server ends it. It would wait for that answer for ever.
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
