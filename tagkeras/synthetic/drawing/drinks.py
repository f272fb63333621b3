"""Things to drink."""

import random

from tagkeras.synthetic.drawing.pen import WHITE, Pen, any_colour, shade, vary


def coffee(pen: Pen, rng: random.Random) -> None:
    """A steaming cup on a saucer."""
    cup = vary(rng, WHITE, 7) if rng.random() < 0.5 else any_colour(rng)
    dark = shade(cup, 0.75)
    pen.ellipse(0, 0.78, 0.9, 0.17, dark)
    pen.ellipse(0, 0.74, 0.86, 0.14, cup)
    pen.ring(0.6, 0.2, 0.3, 0.11, dark)
    pen.polygon([(-0.64, -0.1), (0.64, -0.1), (0.42, 0.72), (-0.42, 0.72)], cup)
    pen.polygon([(0.3, -0.1), (0.64, -0.1), (0.42, 0.72), (0.2, 0.72)], dark)
    pen.ellipse(0, -0.1, 0.64, 0.15, shade(cup, 0.85))
    pen.ellipse(0, -0.09, 0.55, 0.11, vary(rng, (95, 55, 30), 12))
    for x in (-0.28, 0.02, 0.32):
        pen.line(
            [(x, -0.34), (x + 0.09, -0.5), (x - 0.06, -0.68), (x + 0.05, -0.9)],
            0.07,
            (205, 205, 210),
        )


def beer(pen: Pen, rng: random.Random) -> None:
    """A glass of beer with a head of foam."""
    amber = vary(rng, rng.choice(((235, 165, 35), (200, 110, 30), (245, 195, 70))), 10)
    glass = (215, 225, 232)
    pen.ring(0.56, 0.15, 0.38, 0.12, glass)
    pen.box(-0.62, -0.55, 0.52, 0.95, glass)
    pen.box(-0.53, -0.5, 0.43, 0.84, amber)
    for x in (-0.3, 0.0, 0.28):
        pen.box(x - 0.05, -0.1, x + 0.03, 0.7, shade(amber, 1.35))
    for x, y in ((-0.5, -0.58), (-0.2, -0.68), (0.12, -0.66), (0.4, -0.56), (-0.34, -0.45)):
        pen.circle(x, y, 0.22, (252, 248, 235))
    pen.box(-0.6, -0.55, 0.48, -0.35, (252, 248, 235))


def soda(pen: Pen, rng: random.Random) -> None:
    """A paper cup with lid and straw."""
    cup = vary(rng, (210, 30, 40)) if rng.random() < 0.5 else any_colour(rng)
    pen.line([(0.05, -0.5), (0.14, -0.85), (0.42, -0.95)], 0.1, any_colour(rng))
    pen.polygon([(-0.5, -0.42), (0.5, -0.42), (0.36, 0.95), (-0.36, 0.95)], cup)
    pen.polygon([(-0.45, 0.02), (0.45, 0.02), (0.41, 0.46), (-0.41, 0.46)], WHITE)
    pen.line([(-0.36, 0.3), (-0.12, 0.17), (0.12, 0.3), (0.36, 0.17)], 0.1, cup)
    pen.box(-0.58, -0.52, 0.58, -0.38, (232, 232, 236))
    pen.box(-0.48, -0.6, 0.48, -0.5, (215, 215, 220))
