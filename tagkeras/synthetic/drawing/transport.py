"""Things that take people elsewhere."""

import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Pen, any_colour, shade, vary

GLASS = (165, 210, 230)


def car(pen: Pen, rng: random.Random) -> None:
    """A car from the side."""
    paint = any_colour(rng)
    pen.polygon([(-0.55, 0.05), (-0.36, -0.42), (0.26, -0.42), (0.52, 0.05)], paint)
    pen.polygon([(-0.43, 0.02), (-0.29, -0.32), (-0.06, -0.32), (-0.06, 0.02)], GLASS)
    pen.polygon([(0.03, 0.02), (0.03, -0.32), (0.21, -0.32), (0.4, 0.02)], GLASS)
    pen.polygon(
        [(-0.95, 0.1), (-0.6, 0.0), (0.56, 0.0), (0.93, 0.12), (0.96, 0.4), (-0.96, 0.4)], paint
    )
    pen.box(-0.96, 0.32, 0.96, 0.42, shade(paint, 0.6))
    pen.ellipse(0.86, 0.19, 0.09, 0.06, (255, 240, 150))
    pen.box(-0.95, 0.14, -0.84, 0.24, (230, 40, 40))
    for x in (-0.55, 0.55):
        _wheel(pen, x, 0.42, 0.23)


def truck(pen: Pen, rng: random.Random) -> None:
    """A lorry from the side."""
    cab, load = any_colour(rng), rng.choice((vary(rng, (225, 225, 225)), any_colour(rng)))
    pen.box(-0.97, -0.66, 0.36, 0.38, load)
    pen.box(-0.97, -0.66, 0.36, -0.58, shade(load, 0.7))
    for x in (-0.64, -0.3, 0.04):
        pen.line([(x, -0.55), (x, 0.34)], 0.03, shade(load, 0.75))
    pen.polygon([(0.42, -0.3), (0.76, -0.3), (0.95, 0.04), (0.95, 0.4), (0.42, 0.4)], cab)
    pen.polygon([(0.52, -0.2), (0.71, -0.2), (0.85, 0.06), (0.52, 0.06)], GLASS)
    pen.box(-0.97, 0.36, 0.96, 0.48, (60, 60, 66))
    for x in (-0.7, -0.28, 0.64):
        _wheel(pen, x, 0.5, 0.21)


def _wheel(pen: Pen, x: float, y: float, radius: float) -> None:
    pen.circle(x, y, radius, BLACK)
    pen.circle(x, y, 0.5 * radius, (185, 185, 190))


def train(pen: Pen, rng: random.Random) -> None:
    """The front of a train on its rails."""
    paint = any_colour(rng)
    for side in (-1, 1):
        pen.line([(side * 0.3, 0.6), (side * 0.6, 0.98)], 0.07, (95, 90, 88))
    for y, half in ((0.74, 0.6), (0.88, 0.76)):
        pen.line([(-half, y), (half, y)], 0.07, (125, 90, 60))
    pen.box(-0.58, -0.8, 0.58, 0.62, paint)
    pen.chord(0, -0.78, 0.58, 0.2, 180, 360, shade(paint, 0.8))
    pen.box(-0.46, -0.6, -0.04, -0.06, GLASS)
    pen.box(0.04, -0.6, 0.46, -0.06, GLASS)
    pen.box(-0.3, -0.78, 0.3, -0.67, BLACK)
    pen.box(-0.26, -0.75, 0.26, -0.7, (255, 170, 40))
    pen.box(-0.58, 0.08, 0.58, 0.18, WHITE)
    for x in (-0.38, 0.38):
        pen.circle(x, 0.36, 0.12, (255, 245, 180))
    pen.box(-0.62, 0.54, 0.62, 0.68, (60, 60, 66))


def plane(pen: Pen, rng: random.Random) -> None:
    """An aeroplane from above, in any direction of the upper half."""
    body = vary(rng, (238, 240, 243), 10)
    paint = any_colour(rng)
    wing = shade(body, 0.82)
    for side in (-1, 1):
        pen.polygon(
            [(side * 0.08, -0.25), (side * 0.95, 0.3), (side * 0.95, 0.45), (side * 0.08, 0.2)],
            wing,
        )
        pen.line([(side * 0.95, 0.32), (side * 0.95, 0.44)], 0.05, paint)
        pen.ellipse(side * 0.42, 0.02, 0.07, 0.14, (120, 125, 135))
        pen.polygon(
            [(side * 0.05, 0.62), (side * 0.4, 0.86), (side * 0.4, 0.95), (side * 0.05, 0.85)],
            paint,
        )
    pen.ellipse(0, 0, 0.14, 0.95, body)
    pen.chord(0, -0.62, 0.11, 0.26, 200, 340, (70, 90, 120))
    pen.line([(0, 0.6), (0, 0.92)], 0.06, paint)
