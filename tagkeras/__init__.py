"""tagkeras: the hashtags that a given user would put on a given image.

The library's parts are imported when first used, so that `import tagkeras` loads no TensorFlow:

    import tagkeras

    loss = tagkeras.losses.Warp()
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"
__all__ = [
    "data",
    "images",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "retrieval",
    "samplers",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
