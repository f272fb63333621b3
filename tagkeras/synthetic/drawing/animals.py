"""Faces of animals."""

import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Colour, Pen, shade, vary


def dog(pen: Pen, rng: random.Random) -> None:
    """A dog with hanging ears and its tongue out."""
    coats = ((200, 150, 90), (130, 85, 50), (235, 215, 180), (110, 105, 105))
    coat = vary(rng, rng.choice(coats))
    ear = shade(coat, 0.6)
    pen.ellipse(0, 0, 0.62, 0.72, coat)
    pen.ellipse(-0.66, 0.05, 0.24, 0.6, ear)
    pen.ellipse(0.66, 0.05, 0.24, 0.6, ear)
    if rng.random() < 0.5:
        pen.ellipse(0.26, -0.2, 0.22, 0.26, ear)
    pen.ellipse(0, 0.76, 0.15, 0.22, (230, 105, 120))
    pen.ellipse(0, 0.38, 0.4, 0.34, shade(coat, 1.8))
    pen.ellipse(0, 0.2, 0.18, 0.13, BLACK)
    pen.line([(0, 0.3), (0, 0.5)], 0.05, BLACK)
    pen.arc(0, 0.42, 0.24, 0.18, 20, 160, 0.05, BLACK)
    for x in (-0.26, 0.26):
        pen.circle(x, -0.2, 0.11, BLACK)
        pen.circle(x + 0.03, -0.23, 0.04, WHITE)


def cat(pen: Pen, rng: random.Random) -> None:
    """A cat with pointed ears and whiskers."""
    coats = ((140, 140, 148), (60, 58, 62), (230, 150, 75), (240, 235, 228))
    coat = vary(rng, rng.choice(coats))
    dark = shade(coat, 0.65)
    for side in (-1, 1):
        pen.polygon([(side * 0.78, -0.92), (side * 0.1, -0.5), (side * 0.72, 0.0)], coat)
        pen.polygon(
            [(side * 0.68, -0.72), (side * 0.3, -0.46), (side * 0.62, -0.2)], (240, 170, 175)
        )
    pen.ellipse(0, 0.14, 0.8, 0.68, coat)
    for x in (-0.18, 0.0, 0.18):
        pen.line([(x, -0.5), (x * 0.7, -0.26)], 0.07, dark)
    iris = rng.choice(((120, 195, 80), (240, 200, 60), (95, 170, 220)))
    for x in (-0.34, 0.34):
        pen.ellipse(x, 0.0, 0.19, 0.16, iris)
        pen.ellipse(x, 0.0, 0.06, 0.15, BLACK)
    _muzzle(pen, (235, 130, 140), shade(coat, 1.6))
    whiskers = BLACK if sum(coat) > 330 else WHITE
    for side in (-1, 1):
        for y in (0.22, 0.36, 0.5):
            pen.line([(side * 0.3, 0.36), (side * 0.98, y)], 0.03, whiskers)


def jaguar(pen: Pen, rng: random.Random) -> None:
    """A spotted big cat with round ears."""
    coat = vary(rng, (228, 165, 62), 12)
    for side in (-1, 1):
        pen.circle(side * 0.62, -0.62, 0.27, BLACK)
        pen.circle(side * 0.6, -0.58, 0.17, coat)
    pen.ellipse(0, 0.08, 0.84, 0.82, coat)
    spots = [(-0.2, -0.55), (0.2, -0.55), (0.0, -0.34), (-0.46, -0.38), (0.46, -0.38)]
    spots += [(-0.68, 0.08), (0.68, 0.08), (-0.6, 0.38), (0.6, 0.38), (-0.7, -0.18), (0.7, -0.18)]
    for x, y in spots:
        pen.circle(x, y, 0.12, BLACK)
        pen.circle(x, y, 0.05, shade(coat, 0.75))
    for x in (-0.3, 0.3):
        pen.ellipse(x, -0.08, 0.16, 0.1, (215, 230, 120))
        pen.circle(x, -0.08, 0.07, BLACK)
    _muzzle(pen, (90, 45, 40), (250, 240, 220))


def _muzzle(pen: Pen, nose: Colour, fur: Colour) -> None:
    pen.ellipse(-0.17, 0.46, 0.24, 0.2, fur)
    pen.ellipse(0.17, 0.46, 0.24, 0.2, fur)
    pen.polygon([(-0.16, 0.24), (0.16, 0.24), (0, 0.4)], nose)
    pen.line([(-0.24, 0.5), (-0.11, 0.58), (0, 0.42), (0.11, 0.58), (0.24, 0.5)], 0.045, BLACK)
