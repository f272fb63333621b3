"""Sports things."""

import math
import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Pen, any_colour, shade, vary


def ball(pen: Pen, rng: random.Random) -> None:
    """A round ball with patches."""
    patch = BLACK if rng.random() < 0.7 else any_colour(rng)
    pen.circle(0, 0, 0.95, shade(patch, 0.6))
    pen.circle(0, 0, 0.9, vary(rng, WHITE, 7))
    for corner in range(5):
        angle = 2 * math.pi * corner / 5 - math.pi / 2
        x, y = math.cos(angle), math.sin(angle)
        pen.line([(0.3 * x, 0.3 * y), (0.66 * x, 0.66 * y)], 0.05, patch)
        edge = [(r * math.cos(angle + turn), r * math.sin(angle + turn)) for r, turn in _EDGE]
        pen.polygon(edge, patch)
    pen.polygon([(0.34 * math.sin(a), -0.34 * math.cos(a)) for a in _FIFTHS], patch)


_FIFTHS = [2 * math.pi * corner / 5 for corner in range(5)]
# An outer patch of the ball, in polar coordinates.
_EDGE = ((0.6, 0.0), (0.76, -0.3), (0.9, -0.26), (0.92, 0.0), (0.9, 0.26), (0.76, 0.3))


def bicycle(pen: Pen, rng: random.Random) -> None:
    """A bicycle from the side."""
    frame = any_colour(rng)
    tyre = vary(rng, (45, 45, 50), 15)
    for x in (-0.56, 0.56):
        pen.ring(x, 0.3, 0.42, 0.09, tyre)
        for angle in range(0, 180, 45):
            dx, dy = 0.36 * math.cos(angle), 0.36 * math.sin(angle)
            pen.line([(x - dx, 0.3 - dy), (x + dx, 0.3 + dy)], 0.02, (150, 150, 155))
    seat, pedals, head = (-0.22, -0.32), (-0.06, 0.32), (0.4, -0.3)
    pen.line([seat, pedals, head, seat], 0.09, frame)
    pen.line([seat, (-0.56, 0.3), pedals], 0.08, frame)
    pen.line([(0.36, -0.5), (0.56, 0.3)], 0.09, frame)
    pen.line([(0.3, -0.52), (0.55, -0.56), (0.6, -0.44)], 0.08, tyre)
    pen.line([(-0.25, -0.42), seat], 0.07, frame)
    pen.ellipse(-0.26, -0.46, 0.2, 0.07, tyre)
    pen.circle(*pedals, 0.1, tyre)


def skateboard(pen: Pen, rng: random.Random) -> None:
    """A skateboard from the side."""
    deck, wheel = any_colour(rng), any_colour(rng)
    pen.line([(-0.95, -0.22), (-0.72, 0.0), (0.72, 0.0), (0.95, -0.22)], 0.17, deck)
    pen.line([(-0.92, -0.29), (-0.7, -0.08), (0.7, -0.08), (0.92, -0.29)], 0.07, BLACK)
    for x in (-0.5, 0.5):
        pen.polygon([(x - 0.14, 0.05), (x + 0.14, 0.05), (x, 0.3)], (130, 130, 138))
        for side in (-0.16, 0.16):
            pen.circle(x + side, 0.32, 0.17, wheel)
            pen.circle(x + side, 0.32, 0.07, WHITE)


def dumbbell(pen: Pen, rng: random.Random) -> None:
    """A dumbbell."""
    metal = vary(rng, (165, 168, 175), 20)
    plate = vary(rng, (55, 55, 62), 20) if rng.random() < 0.7 else any_colour(rng)
    pen.box(-0.95, -0.08, 0.95, 0.08, metal)
    for side in (-1, 1):
        for near, far, half in ((0.4, 0.56, 0.5), (0.59, 0.73, 0.38), (0.75, 0.85, 0.24)):
            left, right = sorted((side * near, side * far))
            pen.box(left, -half, right, half, plate)
            pen.box(left, -half, right, -half + 0.1, shade(plate, 1.5))
    for x in (-0.2, 0.0, 0.2):
        pen.line([(x, -0.07), (x, 0.07)], 0.03, shade(metal, 0.6))
