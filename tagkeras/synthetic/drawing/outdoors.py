"""Things of the open air."""

import math
import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Pen, any_colour, shade, vary


def tree(pen: Pen, rng: random.Random) -> None:
    """A tree in autumn, losing its leaves."""
    foliage = ((225, 110, 25), (205, 60, 30), (240, 175, 45))
    trunk = vary(rng, (100, 65, 40), 12)
    pen.polygon([(-0.1, 0.0), (0.1, 0.0), (0.17, 0.95), (-0.17, 0.95)], trunk)
    pen.line([(0, 0.3), (-0.35, -0.1)], 0.09, trunk)
    pen.line([(0, 0.25), (0.35, -0.1)], 0.09, trunk)
    crown = ((-0.42, -0.1), (0.42, -0.1), (-0.28, -0.5), (0.3, -0.48), (0, -0.66), (0, -0.2))
    for x, y in crown:
        pen.circle(x, y, 0.33, vary(rng, rng.choice(foliage)))
    for _ in range(9):
        leaf = vary(rng, rng.choice(foliage))
        pen.ellipse(rng.uniform(-0.65, 0.65), rng.uniform(-0.8, 0.1), 0.11, 0.08, leaf)
    for _ in range(6):
        leaf = rng.choice(foliage)
        pen.ellipse(rng.uniform(-0.9, 0.9), rng.uniform(0.35, 0.95), 0.09, 0.06, leaf)


def cabin(pen: Pen, rng: random.Random) -> None:
    """A log cabin."""
    logs, roof = vary(rng, (150, 100, 60)), vary(rng, rng.choice(((150, 50, 40), (75, 65, 65))))
    pen.box(0.38, -0.85, 0.58, -0.3, (130, 125, 122))
    pen.box(-0.72, -0.1, 0.72, 0.9, logs)
    for step in range(5):
        pen.line([(-0.72, 0.06 + 0.19 * step), (0.72, 0.06 + 0.19 * step)], 0.035, shade(logs, 0.6))
    pen.polygon([(-0.97, -0.02), (0, -0.85), (0.97, -0.02)], roof)
    pen.polygon([(-0.62, -0.1), (0, -0.64), (0.62, -0.1)], shade(logs, 1.15))
    pen.box(-0.15, 0.32, 0.2, 0.9, shade(logs, 0.45))
    for x in (-0.46, 0.46):
        pen.box(x - 0.17, 0.22, x + 0.17, 0.52, WHITE)
        pen.box(x - 0.13, 0.26, x + 0.13, 0.48, (250, 220, 120))


def tent(pen: Pen, rng: random.Random) -> None:
    """A tent with its entrance open."""
    cloth = any_colour(rng)
    pen.polygon([(-0.97, 0.7), (-0.25, -0.65), (0.45, -0.65), (0.97, 0.7)], shade(cloth, 0.7))
    pen.polygon([(-0.97, 0.7), (-0.25, -0.65), (0.45, 0.7)], cloth)
    pen.polygon([(-0.5, 0.7), (-0.25, -0.3), (0.06, 0.7)], shade(cloth, 0.3))
    pen.line([(-0.25, -0.65), (-0.3, -0.8)], 0.05, (90, 80, 70))
    for x, y in ((-0.97, 0.7), (0.97, 0.7)):
        pen.line([(x * 0.8, y - 0.25), (x * 1.0, y + 0.1)], 0.03, (235, 235, 225))


def flower(pen: Pen, rng: random.Random) -> None:
    """A flower with leaves."""
    petal, heart = any_colour(rng), vary(rng, rng.choice(((245, 205, 60), (110, 65, 35))))
    green = vary(rng, (60, 140, 60))
    pen.line([(0, -0.2), (0.04, 0.4), (0, 0.97)], 0.09, green)
    pen.polygon([(0.02, 0.75), (0.3, 0.4), (0.6, 0.38), (0.36, 0.66)], green)
    pen.polygon([(0.02, 0.85), (-0.28, 0.5), (-0.58, 0.5), (-0.34, 0.76)], shade(green, 0.8))
    num_petals = rng.choice((5, 6, 8))
    turn = rng.random()
    for part in range(num_petals):
        angle = turn + 2 * math.pi * part / num_petals
        x, y = 0.37 * math.cos(angle), -0.35 + 0.37 * math.sin(angle)
        pen.circle(x, y, 0.26, shade(petal, 0.85))
        pen.circle(x * 0.95, y * 0.95 - 0.02, 0.21, petal)
    pen.circle(0, -0.35, 0.21, heart)


def snowman(pen: Pen, rng: random.Random) -> None:
    """A snowman with hat, carrot and scarf."""
    snow, shadow = (250, 251, 254), (175, 195, 220)
    for side in (-1, 1):
        pen.line([(side * 0.3, 0.05), (side * 0.9, -0.25)], 0.05, (90, 60, 40))
    for y, radius in ((0.52, 0.45), (-0.06, 0.34), (-0.48, 0.26)):
        pen.circle(0, y, radius, shadow)
        pen.circle(-0.03, y - 0.02, radius - 0.05, snow)
    scarf = any_colour(rng)
    pen.line([(-0.24, -0.27), (0.24, -0.27)], 0.13, scarf)
    pen.line([(0.16, -0.25), (0.22, 0.1)], 0.12, scarf)
    hat = BLACK if rng.random() < 0.7 else any_colour(rng)
    pen.line([(-0.33, -0.7), (0.33, -0.7)], 0.08, hat)
    pen.box(-0.21, -0.98, 0.21, -0.7, hat)
    for x in (-0.1, 0.1):
        pen.circle(x, -0.54, 0.045, BLACK)
    pen.polygon([(-0.02, -0.49), (0.26, -0.43), (-0.02, -0.4)], (240, 130, 30))
    for y in (-0.04, 0.14, 0.4):
        pen.circle(0, y, 0.045, BLACK)
