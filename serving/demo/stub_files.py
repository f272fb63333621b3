"""Keeps Gradio from writing files beside our source."""

import contextlib
from collections.abc import Iterator

from gradio import component_meta


@contextlib.contextmanager
def without_stub_files() -> Iterator[None]:
    """In the block a component's subclass is defined without a .pyi file for it."""
    write = component_meta.create_or_modify_pyi
    component_meta.create_or_modify_pyi = lambda *_: None
    try:
        yield
    finally:
        component_meta.create_or_modify_pyi = write
