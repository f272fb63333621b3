"""Whole pictures: background or scene, the things in front, light, noise, and JPEG."""

import functools
import io
import random

import numpy as np
from PIL import Image

from tagkeras.synthetic.drawing import food, leisure, outdoors, scenes
from tagkeras.synthetic.drawing.pen import Pen

# Pixels of a picture, each way; it is drawn at twice the size and reduced.
SIZE = 128
_DRAWN = 2 * SIZE

# Where a picture's things stand, for each number of them: centres as fractions of the side.
_PLACES = {
    1: (((0.5, 0.5),),),
    2: (
        ((0.28, 0.5), (0.72, 0.5)),
        ((0.29, 0.32), (0.71, 0.68)),
        ((0.29, 0.68), (0.71, 0.32)),
        ((0.5, 0.27), (0.5, 0.74)),
    ),
    3: (
        ((0.27, 0.28), (0.73, 0.28), (0.5, 0.74)),
        ((0.27, 0.74), (0.73, 0.74), (0.5, 0.26)),
        ((0.26, 0.5), (0.72, 0.26), (0.72, 0.74)),
    ),
}
# Their sizes as fractions of the side (from, to), and how far a centre may be off its place.
_SIZES = {1: (0.42, 0.84), 2: (0.42, 0.58), 3: (0.4, 0.5)}
_OFFSETS = {1: 0.14, 2: 0.05, 3: 0.03}

_SCENES = {
    draw.__name__: draw
    for draw in (scenes.beach, scenes.sunset, scenes.mountain, scenes.skyline, scenes.fireworks)
}
# With a function of each thing's name.
_MODULES = (food, leisure, outdoors)
# How far things may be turned, in degrees either way, if not by 14.
_TURNS = {"ball": 180, "plane": 60, "dumbbell": 40, "lipstick": 35, "guitar": 40, "flipflops": 30}


def draw_jpeg(things: tuple[str, ...], rng: random.Random) -> bytes:
    """Draws a picture of things.

    Args:
        things: names of the world's things; at most one of them a scene.
        rng: decides everything else.

    Returns:
        A JPEG file of 128 x 128 pixels.
    """
    scene = next((thing for thing in things if thing in _SCENES), None)
    image = _SCENES[scene](_DRAWN, rng) if scene else scenes.background(_DRAWN, rng)
    icons = [thing for thing in things if thing != scene]
    rng.shuffle(icons)
    if icons:
        smallest, largest = _SIZES[len(icons)]
        if scene and len(icons) == 1:
            largest = 0.66
        offset = _OFFSETS[len(icons)]
        for thing, (x, y) in zip(icons, rng.choice(_PLACES[len(icons)]), strict=True):
            centre = (
                _DRAWN * (x + rng.uniform(-offset, offset)),
                _DRAWN * (y + rng.uniform(-offset, offset)),
            )
            turn = _TURNS.get(thing, 14)
            pen = Pen(
                image,
                centre,
                _DRAWN * rng.uniform(smallest, largest),
                angle=rng.uniform(-turn, turn),
                flip=rng.random() < 0.5,
            )
            module = next(module for module in _MODULES if hasattr(module, thing))
            getattr(module, thing)(pen, rng)
    image = _photograph(image.reduce(2), rng)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=rng.randint(55, 95))
    return file.getvalue()


def _photograph(image: Image.Image, rng: random.Random) -> Image.Image:
    """Light of some strength and colour, and the noise of a sensor."""
    light = rng.uniform(0.78, 1.12)
    gain = np.array([light * rng.uniform(0.94, 1.06) for _ in range(3)], np.float32)
    noise = _noise()
    x, y = rng.randrange(len(noise) - SIZE), rng.randrange(len(noise) - SIZE)
    pixels = np.asarray(image) * gain
    pixels += np.float32(rng.uniform(1, 9)) * noise[y : y + SIZE, x : x + SIZE]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


@functools.cache
def _noise() -> np.ndarray:
    """A field of standard normal noise, of which each picture takes a part: [2 SIZE, 2 SIZE, 3]."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((2 * SIZE, 2 * SIZE, 3), np.float32)
