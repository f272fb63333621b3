"""Things for spare time."""

import random

from tagkeras.synthetic.drawing.pen import BLACK, BRIGHT, WHITE, Pen, any_colour, shade, vary


def book(pen: Pen, rng: random.Random) -> None:
    """An open book."""
    cover, paper = any_colour(rng), vary(rng, (250, 246, 230), 5)
    for side in (-1, 1):
        pen.polygon(
            [(0, -0.42), (side * 0.96, -0.6), (side * 0.96, 0.56), (0, 0.74)], shade(cover, 0.9)
        )
        pen.polygon(
            [
                (0, -0.48),
                (side * 0.45, -0.66),
                (side * 0.87, -0.58),
                (side * 0.87, 0.46),
                (0, 0.62),
            ],
            paper if side < 0 else shade(paper, 0.93),
        )
        for step in range(5):
            y = -0.36 + 0.18 * step
            pen.line([(side * 0.14, y), (side * 0.74, y - 0.1)], 0.04, (130, 130, 135))
    pen.line([(0, -0.48), (0, 0.68)], 0.05, shade(cover, 0.5))


def guitar(pen: Pen, rng: random.Random) -> None:
    """A guitar."""
    wood = vary(rng, rng.choice(((205, 130, 60), (150, 75, 35), (190, 45, 40))))
    neck = (85, 55, 40)
    pen.box(-0.08, -0.9, 0.08, 0.1, neck)
    pen.box(-0.14, -0.98, 0.14, -0.72, shade(neck, 0.7))
    for y in (-0.55, -0.38, -0.21):
        pen.line([(-0.08, y), (0.08, y)], 0.03, (200, 195, 185))
    pen.circle(0, 0.16, 0.36, shade(wood, 0.6))
    pen.circle(0, 0.58, 0.44, shade(wood, 0.6))
    pen.circle(0, 0.16, 0.31, wood)
    pen.circle(0, 0.58, 0.39, wood)
    pen.circle(0, 0.3, 0.15, BLACK)
    pen.box(-0.17, 0.68, 0.17, 0.77, neck)
    for x in (-0.04, 0.04):
        pen.line([(x, -0.75), (x, 0.72)], 0.02, (235, 232, 225))


def gamepad(pen: Pen, rng: random.Random) -> None:
    """A game controller."""
    case = rng.choice((BLACK, WHITE, (70, 72, 80), any_colour(rng)))
    dark = shade(case, 0.5) if sum(case) > 200 else (85, 85, 92)
    for side in (-1, 1):
        pen.ellipse(side * 0.66, 0.28, 0.28, 0.46, case)
        pen.circle(side * 0.55, -0.12, 0.4, case)
    pen.box(-0.55, -0.5, 0.55, 0.28, case)
    pen.box(-0.6, -0.19, -0.32, -0.09, dark)
    pen.box(-0.51, -0.28, -0.41, 0.0, dark)
    for (x, y), colour in zip(_BUTTONS, BRIGHT[::2], strict=True):
        pen.circle(x, y, 0.085, colour)
    for x in (-0.24, 0.24):
        pen.circle(x, 0.16, 0.16, dark)
        pen.circle(x, 0.16, 0.09, shade(dark, 1.5))


_BUTTONS = ((0.46, -0.3), (0.62, -0.14), (0.46, 0.02), (0.3, -0.14))


def phone(pen: Pen, rng: random.Random) -> None:
    """A mobile phone with its apps."""
    case = rng.choice((BLACK, WHITE, (190, 190, 196), (225, 170, 160)))
    screen = vary(rng, rng.choice(((40, 60, 110), (225, 235, 245), (90, 50, 110))))
    pen.line([(-0.36, -0.8), (0.36, -0.8)], 0.3, case)
    pen.line([(-0.36, 0.8), (0.36, 0.8)], 0.3, case)
    pen.box(-0.51, -0.82, 0.51, 0.82, case)
    pen.box(-0.43, -0.72, 0.43, 0.66, screen)
    for row in range(4):
        for x in (-0.26, 0.0, 0.26):
            y = -0.54 + 0.3 * row
            pen.box(x - 0.09, y - 0.09, x + 0.09, y + 0.09, rng.choice(BRIGHT))
    pen.ring(0, 0.8, 0.1, 0.04, (130, 130, 135))
    pen.line([(-0.12, -0.83), (0.12, -0.83)], 0.05, (130, 130, 135))
