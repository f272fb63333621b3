"""What lies behind the things in a picture without a scene: walls, tables, cloths."""

import functools
import random

from PIL import Image

from tagkeras.synthetic.drawing.pen import Colour, Pen, shade


@functools.cache
def _ramp(side: int, direction: str) -> Image.Image:
    """Weights from 0 to 255: downward, to the right or from the centre."""
    if direction == "radial":
        return Image.radial_gradient("L").resize((side, side))
    ramp = Image.linear_gradient("L").resize((side, side))
    return ramp if direction == "down" else ramp.transpose(Image.Transpose.ROTATE_90)


def gradient(side: int, start: Colour, end: Colour, direction: str = "down") -> Image.Image:
    """A square that goes from one colour to another: "down", "right" or "radial"."""
    size = (side, side)
    return Image.composite(
        Image.new("RGB", size, end), Image.new("RGB", size, start), _ramp(side, direction)
    )


def background(side: int, rng: random.Random) -> Image.Image:
    """A plain wall, a room, stripes, checks, planks, dots or blurred lights."""
    first = _muted(rng)
    second = shade(first, rng.uniform(0.75, 0.92)) if rng.random() < 0.7 else _muted(rng)
    kind = rng.randrange(7)
    if kind < 3:
        direction = rng.choice(("down", "right", "radial"))
        return gradient(side, first, shade(first, rng.uniform(0.7, 1.0)), direction)
    image = Image.new("RGB", (side, side), first)
    pen = Pen(image, (side / 2, side / 2), side, angle=90 * rng.randrange(2))
    if kind == 3:  # a wall and a floor
        upright = Pen(image, (side / 2, side / 2), side)
        upright.box(-1, rng.uniform(0.1, 0.6), 1, 1, second)
    elif kind == 4:  # planks or stripes
        width = rng.choice((0.25, 0.4, 0.5))
        for step in range(int(2 / width) + 1):
            left = -1 + width * step
            if step % 2:
                pen.box(left, -1, left + width, 1, second)
            pen.line([(left, -1), (left, 1)], 0.015, shade(first, 0.7))
    elif kind == 5:  # checks
        for row in range(6):
            for column in range(row % 2, 6, 2):
                left, top = -1 + column / 3, -1 + row / 3
                pen.box(left, top, left + 1 / 3, top + 1 / 3, second)
    else:  # lights out of focus
        for _ in range(8):
            x, y = rng.uniform(-1, 1), rng.uniform(-1, 1)
            pen.circle(x, y, rng.uniform(0.08, 0.3), shade(second, rng.uniform(0.85, 1.3)))
    return image


def _muted(rng: random.Random) -> Colour:
    """A colour that leaves the strong ones to the things; seldom dark."""
    grey = rng.randint(50, 110) if rng.random() < 0.25 else rng.randint(140, 225)
    return tuple(min(255, max(0, grey + rng.randint(-35, 30))) for _ in range(3))  # type: ignore[return-value]
