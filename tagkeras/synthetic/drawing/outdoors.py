"""Animals, vehicles, and things of the open air."""

import math
import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Colour, Pen, any_colour, arc, shade, vary


def dog(pen: Pen, rng: random.Random) -> None:
    """A dog with hanging ears and its tongue out."""
    coats = ((200, 150, 90), (130, 85, 50), (235, 215, 180), (110, 105, 105))
    coat = vary(rng, rng.choice(coats))
    ear = shade(coat, 0.6)
    pen.ellipse(0, 0, 0.62, 0.72, coat)
    for half in pen.sides():
        half.ellipse(0.66, 0.05, 0.24, 0.6, ear)
    if rng.random() < 0.5:
        pen.ellipse(0.26, -0.2, 0.22, 0.26, ear)
    pen.ellipse(0, 0.76, 0.15, 0.22, (230, 105, 120))
    pen.ellipse(0, 0.38, 0.4, 0.34, shade(coat, 1.8))
    pen.ellipse(0, 0.2, 0.18, 0.13, BLACK)
    pen.line([(0, 0.3), (0, 0.5)], 0.05, BLACK)
    pen.line(arc(0, 0.42, 0.24, 0.18, 20, 160), 0.05, BLACK)
    pen.circles([(-0.26, -0.2), (0.26, -0.2)], 0.11, BLACK)
    pen.circles([(-0.26 + 0.03, -0.23), (0.26 + 0.03, -0.23)], 0.04, WHITE)


def cat(pen: Pen, rng: random.Random) -> None:
    """A cat with pointed ears and whiskers."""
    coats = ((140, 140, 148), (60, 58, 62), (230, 150, 75), (240, 235, 228))
    coat = vary(rng, rng.choice(coats))
    dark = shade(coat, 0.65)
    for half in pen.sides():
        half.polygon([(0.78, -0.92), (0.1, -0.5), (0.72, 0.0)], coat)
        half.polygon([(0.68, -0.72), (0.3, -0.46), (0.62, -0.2)], (240, 170, 175))
    pen.ellipse(0, 0.14, 0.8, 0.68, coat)
    for x in (-0.18, 0.0, 0.18):
        pen.line([(x, -0.5), (x * 0.7, -0.26)], 0.07, dark)
    iris = rng.choice(((120, 195, 80), (240, 200, 60), (95, 170, 220)))
    for x in (-0.34, 0.34):
        pen.ellipse(x, 0.0, 0.19, 0.16, iris)
        pen.ellipse(x, 0.0, 0.06, 0.15, BLACK)
    _muzzle(pen, (235, 130, 140), shade(coat, 1.6))
    whiskers = BLACK if sum(coat) > 330 else WHITE
    for half in pen.sides():
        for y in (0.22, 0.36, 0.5):
            half.line([(0.3, 0.36), (0.98, y)], 0.03, whiskers)


def jaguar(pen: Pen, rng: random.Random) -> None:
    """A spotted big cat with round ears."""
    coat = vary(rng, (228, 165, 62), 12)
    for half in pen.sides():
        half.circle(0.62, -0.62, 0.27, BLACK)
        half.circle(0.6, -0.58, 0.17, coat)
    pen.ellipse(0, 0.08, 0.84, 0.82, coat)
    spots = [(0.0, -0.34), (0.2, -0.55), (0.46, -0.38), (0.68, 0.08), (0.6, 0.38), (0.7, -0.18)]
    for half in pen.sides():
        half.circles(spots, 0.12, BLACK)
        half.circles(spots, 0.05, shade(coat, 0.75))
        half.ellipse(0.3, -0.08, 0.16, 0.1, (215, 230, 120))
        half.circle(0.3, -0.08, 0.07, BLACK)
    _muzzle(pen, (90, 45, 40), (250, 240, 220))


def _muzzle(pen: Pen, nose: Colour, fur: Colour) -> None:
    for half in pen.sides():
        half.ellipse(0.17, 0.46, 0.24, 0.2, fur)
    pen.polygon([(-0.16, 0.24), (0.16, 0.24), (0, 0.4)], nose)
    pen.line([(-0.24, 0.5), (-0.11, 0.58), (0, 0.42), (0.11, 0.58), (0.24, 0.5)], 0.045, BLACK)


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
    for half in pen.sides():
        half.line([(0.3, 0.6), (0.6, 0.98)], 0.07, (95, 90, 88))
    for y, end in ((0.74, 0.6), (0.88, 0.76)):
        pen.line([(-end, y), (end, y)], 0.07, (125, 90, 60))
    pen.box(-0.58, -0.8, 0.58, 0.62, paint)
    pen.chord(0, -0.78, 0.58, 0.2, 180, 360, shade(paint, 0.8))
    pen.box(-0.46, -0.6, -0.04, -0.06, GLASS)
    pen.box(0.04, -0.6, 0.46, -0.06, GLASS)
    pen.box(-0.3, -0.78, 0.3, -0.67, BLACK)
    pen.box(-0.26, -0.75, 0.26, -0.7, (255, 170, 40))
    pen.box(-0.58, 0.08, 0.58, 0.18, WHITE)
    pen.circles([(-0.38, 0.36), (0.38, 0.36)], 0.12, (255, 245, 180))
    pen.box(-0.62, 0.54, 0.62, 0.68, (60, 60, 66))


def plane(pen: Pen, rng: random.Random) -> None:
    """An aeroplane from above, in any direction of the upper half."""
    body = vary(rng, (238, 240, 243), 10)
    paint = any_colour(rng)
    wing = shade(body, 0.82)
    for half in pen.sides():
        half.polygon([(0.08, -0.25), (0.95, 0.3), (0.95, 0.45), (0.08, 0.2)], wing)
        half.line([(0.95, 0.32), (0.95, 0.44)], 0.05, paint)
        half.ellipse(0.42, 0.02, 0.07, 0.14, (120, 125, 135))
        half.polygon([(0.05, 0.62), (0.4, 0.86), (0.4, 0.95), (0.05, 0.85)], paint)
    pen.ellipse(0, 0, 0.14, 0.95, body)
    pen.chord(0, -0.62, 0.11, 0.26, 200, 340, (70, 90, 120))
    pen.line([(0, 0.6), (0, 0.92)], 0.06, paint)


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
    for half in pen.sides():
        half.line([(0.97 * 0.8, 0.7 - 0.25), (0.97, 0.7 + 0.1)], 0.03, (235, 235, 225))


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
    for half in pen.sides():
        half.line([(0.3, 0.05), (0.9, -0.25)], 0.05, (90, 60, 40))
    for y, radius in ((0.52, 0.45), (-0.06, 0.34), (-0.48, 0.26)):
        pen.circle(0, y, radius, shadow)
        pen.circle(-0.03, y - 0.02, radius - 0.05, snow)
    scarf = any_colour(rng)
    pen.line([(-0.24, -0.27), (0.24, -0.27)], 0.13, scarf)
    pen.line([(0.16, -0.25), (0.22, 0.1)], 0.12, scarf)
    hat = BLACK if rng.random() < 0.7 else any_colour(rng)
    pen.line([(-0.33, -0.7), (0.33, -0.7)], 0.08, hat)
    pen.box(-0.21, -0.98, 0.21, -0.7, hat)
    pen.polygon([(-0.02, -0.49), (0.26, -0.43), (-0.02, -0.4)], (240, 130, 30))
    pen.circles([(-0.1, -0.54), (0.1, -0.54), (0, -0.04), (0, 0.14), (0, 0.4)], 0.045, BLACK)
