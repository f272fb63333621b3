"""A pen that draws in an icon's own coordinates."""

import copy
import math
import random
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

BLACK, WHITE = (25, 25, 28), (248, 248, 245)
# Strong colours for things that come in any colour.
BRIGHT: tuple[Colour, ...] = (
    (220, 40, 45), (240, 130, 30), (245, 200, 40), (60, 165, 70), (35, 110, 210), (120, 70, 190),
    (230, 90, 160), (30, 170, 180),
)  # fmt: skip

# The corners of a polygon that passes for a circle.
_CIRCLE = tuple(
    (math.cos(2 * math.pi * step / 24), math.sin(2 * math.pi * step / 24)) for step in range(24)
)


class Pen:
    """Draws shapes in a square from -1 to 1, y downward, laid anywhere on an image.

    Args:
        image: to draw on.
        centre: of the square, in pixels; by default, it covers the image.
        size: side of the square, in pixels.
        angle: by which it is turned, in degrees.
        flip: mirror it.
    """

    def __init__(
        self,
        image: Image.Image,
        centre: Point | None = None,
        size: float | None = None,
        *,
        angle: float = 0.0,
        flip: bool = False,
    ) -> None:
        self._draw = ImageDraw.Draw(image)
        self._x, self._y = centre or (image.width / 2, image.height / 2)
        self._scale = (size or image.width) / 2
        self._cos = self._scale * math.cos(math.radians(angle))
        self._sin = self._scale * math.sin(math.radians(angle))
        self._mirror = -1 if flip else 1

    def sides(self) -> "tuple[Pen, Pen]":
        """Pens for what is on both sides of a thing: one mirrored, and this one."""
        mirrored = copy.copy(self)
        mirrored._mirror = -self._mirror
        return mirrored, self

    def _place(self, points: Iterable[Point]) -> list[Point]:
        cos, sin, mirror = self._cos, self._sin, self._mirror
        return [
            (self._x + cos * mirror * x - sin * y, self._y + sin * mirror * x + cos * y)
            for x, y in points
        ]

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(self._place(points), fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """A filled ellipse around (x, y)."""
        self.polygon([(x + rx * cos, y + ry * sin) for cos, sin in _CIRCLE], fill)

    def circle(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle around (x, y)."""
        self.circles([(x, y)], radius, fill)

    def circles(self, centres: Iterable[Point], radius: float, fill: Colour) -> None:
        """Filled circles around some points."""
        r = radius * self._scale
        for x, y in self._place(centres):
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill)

    def ring(self, x: float, y: float, radius: float, width: float, fill: Colour) -> None:
        """A circle's outline, its outer edge at `radius`."""
        ((px, py),) = self._place([(x, y)])
        r = radius * self._scale
        self._draw.ellipse(
            (px - r, py - r, px + r, py + r), outline=fill, width=max(1, round(width * self._scale))
        )

    def chord(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: Colour
    ) -> None:
        """The part of an ellipse between two angles (degrees, clockwise from the right)."""
        self.polygon(arc(x, y, rx, ry, start, end), fill)

    def line(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A line through points, with round ends."""
        pixels = max(1, round(width * self._scale))
        placed = self._place(points)
        self._draw.line(placed, fill, pixels, joint="curve" if len(points) > 2 else None)
        if pixels > 3:
            r = pixels / 2
            for x, y in (placed[0], placed[-1]):
                self._draw.ellipse((x - r, y - r, x + r, y + r), fill)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points along an ellipse between two angles (degrees, clockwise from the right)."""
    steps = max(3, math.ceil(abs(end - start) / 15))
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


def shade(colour: Colour, factor: float) -> Colour:
    """The colour darker (factor below 1) or lighter (above 1)."""
    if factor <= 1:
        return tuple(int(factor * part) for part in colour)  # type: ignore[return-value]
    return tuple(int(255 - (255 - part) / factor) for part in colour)  # type: ignore[return-value]


def vary(rng: random.Random, colour: Colour, amount: int = 18) -> Colour:
    """A colour close to the given one."""
    return tuple(  # type: ignore[return-value]
        min(255, max(0, part + rng.randint(-amount, amount))) for part in colour
    )


def any_colour(rng: random.Random) -> Colour:
    """One of the strong colours, varied."""
    return vary(rng, rng.choice(BRIGHT))
