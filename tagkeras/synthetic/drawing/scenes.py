"""What fills a picture: scenes, and backgrounds of pictures without one."""

import functools
import math
import random

from PIL import Image

from tagkeras.synthetic.drawing.pen import (
    BLACK,
    BRIGHT,
    WHITE,
    Colour,
    Pen,
    any_colour,
    shade,
    vary,
)


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
    pen = Pen(image, angle=90 * rng.randrange(2))
    if kind == 3:  # a wall and a floor
        upright = Pen(image)
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


def beach(side: int, rng: random.Random) -> Image.Image:
    """Sand, sea and a palm tree or a parasol under a blue sky."""
    sky = rng.choice(((95, 175, 235), (60, 140, 225), (150, 185, 210)))
    image = gradient(side, vary(rng, sky), vary(rng, (195, 225, 240), 10))
    pen = Pen(image, flip=rng.random() < 0.5)
    sea, sand = rng.uniform(-0.3, 0.1), rng.uniform(0.2, 0.5)
    water = vary(rng, rng.choice(((30, 130, 190), (40, 175, 185), (35, 95, 160))))
    pen.box(-1, sea, 1, 1, water)
    for y in (sea + 0.1, sea + 0.22):
        for x in (-0.7, -0.1, 0.5):
            pen.line([(x, y), (x + 0.3, y)], 0.03, shade(water, 1.7))
    if rng.random() < 0.5:
        x = rng.uniform(-0.1, 0.7)
        pen.polygon(
            [(x - 0.16, sea), (x + 0.16, sea), (x + 0.1, sea + 0.08), (x - 0.1, sea + 0.08)], BLACK
        )
        pen.polygon([(x, sea - 0.03), (x, sea - 0.4), (x + 0.2, sea - 0.03)], WHITE)
    shore = [(-1 + 0.25 * step, sand + 0.06 * math.sin(1.9 * step)) for step in range(9)]
    pen.line(shore, 0.08, WHITE)
    pen.polygon([*shore, (1, 1), (-1, 1)], vary(rng, (238, 210, 150), 12))
    pen.circle(rng.uniform(0.0, 0.85), rng.uniform(-0.8, -0.55), 0.17, (255, 235, 120))
    if rng.random() < 0.6:
        _palm(pen, rng, rng.uniform(-0.85, -0.5), sand + 0.25)
    else:
        x, cloth = rng.uniform(-0.75, -0.4), any_colour(rng)
        pen.line([(x, sand - 0.4), (x + 0.08, sand + 0.3)], 0.05, (240, 240, 235))
        for step in range(6):
            rib = [(x + side + 0.14 * step, sand - 0.36) for side in (-0.42, -0.28)]
            pen.polygon([(x, sand - 0.66), *rib], cloth if step % 2 else WHITE)
    return image


def _palm(pen: Pen, rng: random.Random, x: float, y: float) -> None:
    top = (x + 0.2, y - 0.95)
    pen.line([(x, y), (x + 0.06, y - 0.5), top], 0.09, (130, 95, 60))
    green = vary(rng, (50, 140, 65))
    for angle in (-170, -125, -75, -25, 10, 165):
        dx, dy = 0.42 * math.cos(math.radians(angle)), 0.3 * math.sin(math.radians(angle))
        middle = (top[0] + 0.6 * dx, top[1] + 0.6 * dy - 0.06)
        pen.line([top, middle, (top[0] + dx, top[1] + dy + 0.1)], 0.09, green)


def sunset(side: int, rng: random.Random) -> Image.Image:
    """The sun going down over dark water or behind hills."""
    top = vary(rng, rng.choice(((95, 50, 120), (190, 60, 90), (60, 60, 130))))
    image = gradient(side, top, vary(rng, (255, 165, 60)))
    pen = Pen(image)
    horizon, x = rng.uniform(0.1, 0.4), rng.uniform(-0.5, 0.5)
    for y, half in ((-0.62, 0.4), (-0.4, 0.55), (-0.2, 0.3)):
        start = rng.uniform(-1, 0.4)
        pen.line([(start, y), (start + half, y)], 0.06, shade(top, 1.25))
    radius = rng.uniform(0.28, 0.4)
    pen.circle(x, horizon - 0.05, radius + 0.07, (255, 195, 90))
    pen.circle(x, horizon - 0.05, radius, (255, 235, 140))
    if rng.random() < 0.4:
        _hills(pen, rng, horizon)
        return image
    pen.box(-1, horizon, 1, 1, vary(rng, (75, 40, 75)))
    for step in range(6):
        y = horizon + 0.07 + 0.12 * step
        half = radius * (1 - 0.1 * step) * rng.uniform(0.6, 1.0)
        pen.line([(x - half, y), (x + half, y)], 0.045, (255, 185, 90))
    return image


def _hills(pen: Pen, rng: random.Random, horizon: float) -> None:
    near = vary(rng, (60, 30, 55), 12)
    for colour, height, phase in ((shade(near, 1.3), 0.16, rng.random() * 6), (near, 0.08, 2.0)):
        ridge = [
            (-1 + step / 6, horizon - height * math.sin(phase + 0.7 * step) + 0.2 - height)
            for step in range(13)
        ]
        pen.polygon([*ridge, (1, 1), (-1, 1)], colour)


def mountain(side: int, rng: random.Random) -> Image.Image:
    """Peaks with snow on them above meadows."""
    sky = rng.choice(((120, 180, 230), (80, 140, 215), (175, 190, 215)))
    image = gradient(side, vary(rng, sky), vary(rng, (222, 232, 242), 8))
    pen = Pen(image, flip=rng.random() < 0.5)
    rock = vary(rng, rng.choice(((105, 110, 130), (125, 105, 95), (85, 95, 110))))
    far = shade(rock, 1.35)
    for x, top in ((-0.7, -0.35), (0.15, -0.25), (0.85, -0.4)):
        pen.polygon([(x - 0.8, 0.6), (x, top + rng.uniform(-0.1, 0.1)), (x + 0.8, 0.6)], far)
    peaks = [(-0.3, -0.7, 0.85), (0.55, -0.5, 0.75), (-0.8, -0.35, 0.6)]
    for x, top, half in rng.sample(peaks, rng.choice((2, 3))):
        x, top = x + rng.uniform(-0.2, 0.2), top + rng.uniform(-0.2, 0.15)
        base = 0.6
        pen.polygon([(x - half, base), (x, top), (x + half, base)], rock)
        pen.polygon([(x, top), (x + half, base), (x + 0.15 * half, base)], shade(rock, 0.75))
        cap = 0.32 * (base - top)
        edge = half * 0.32
        pen.polygon(
            [(x, top), (x + edge, top + cap), (x + 0.35 * edge, top + 0.7 * cap),
             (x, top + 1.1 * cap), (x - 0.4 * edge, top + 0.7 * cap), (x - edge, top + cap)],
            WHITE,
        )  # fmt: skip
    meadow = vary(rng, rng.choice(((85, 145, 75), (120, 140, 70), (70, 115, 85))))
    pen.polygon([(-1, 0.45), (-0.3, 0.55), (0.4, 0.42), (1, 0.55), (1, 1), (-1, 1)], meadow)
    for _ in range(5):
        x, y = rng.uniform(-0.95, 0.95), rng.uniform(0.6, 0.9)
        pen.polygon([(x - 0.09, y), (x, y - 0.3), (x + 0.09, y)], shade(meadow, 0.55))
    return image


def skyline(side: int, rng: random.Random) -> Image.Image:
    """High buildings, by day or by night."""
    night = rng.random() < 0.5
    if night:
        image = gradient(side, vary(rng, (25, 25, 60)), vary(rng, (85, 70, 110)))
    else:
        image = gradient(side, vary(rng, (140, 190, 230)), vary(rng, (225, 230, 235), 10))
    pen = Pen(image, flip=rng.random() < 0.5)
    if night:
        pen.circle(rng.uniform(-0.8, 0.8), -0.78, 0.12, (240, 240, 215))
    left = -1.05
    while left < 1:
        width, top = rng.uniform(0.24, 0.4), rng.uniform(-0.75, 0.1)
        wall = vary(rng, (60, 60, 80) if night else (125, 135, 150), 22)
        window = (250, 220, 120) if night else shade(wall, 1.8)
        if rng.random() < 0.3:
            middle = left + width / 2
            pen.line([(middle, top - 0.25), (middle, top)], 0.03, wall)
            pen.polygon([(middle - 0.1, top), (middle, top - 0.14), (middle + 0.1, top)], wall)
        pen.box(left, top, left + width - 0.02, 1, wall)
        columns = 2 if width < 0.32 else 3
        for column in range(columns):
            x = left + width * (column + 0.5) / columns
            y = top + 0.1
            while y < 0.85:
                if rng.random() < 0.8:
                    pen.box(x - 0.035, y, x + 0.025, y + 0.08, window)
                y += 0.17
        left += width
    pen.box(-1, 0.9, 1, 1, (70, 70, 76))
    return image


def fireworks(side: int, rng: random.Random) -> Image.Image:
    """Rockets bursting in the night."""
    image = gradient(side, vary(rng, (12, 12, 35), 10), vary(rng, (40, 30, 70), 10))
    pen = Pen(image)
    places = [(-0.5, -0.45), (0.48, -0.55), (0.05, 0.05), (-0.6, 0.4), (0.62, 0.35)]
    for x, y in places[: rng.randint(3, 5)]:
        x, y = x + rng.uniform(-0.15, 0.15), y + rng.uniform(-0.15, 0.15)
        radius, colour = rng.uniform(0.32, 0.5), shade(rng.choice(BRIGHT), 1.4)
        pen.line([(x, y), (x * 0.8, 1)], 0.015, (110, 100, 100))
        for ray in range(12):
            angle = math.pi * ray / 6
            cos, sin = math.cos(angle), math.sin(angle)
            pen.line(
                [(x + 0.25 * radius * cos, y + 0.25 * radius * sin),
                 (x + radius * cos, y + radius * sin)],
                0.03,
                colour,
            )  # fmt: skip
            pen.circle(x + 1.1 * radius * cos, y + 1.1 * radius * sin, 0.03, WHITE)
    pen.box(-1, 0.93, 1, 1, (10, 10, 15))
    return image
