"""Things for sport and spare time, and things to wear."""

import math
import random

from tagkeras.synthetic.drawing.pen import BLACK, BRIGHT, WHITE, Pen, any_colour, shade, vary


def ball(pen: Pen, rng: random.Random) -> None:
    """A round ball with patches."""
    patch = BLACK if rng.random() < 0.7 else any_colour(rng)
    pen.circle(0, 0, 0.95, shade(patch, 0.6))
    pen.circle(0, 0, 0.9, vary(rng, WHITE, 7))
    # An outer patch, in polar coordinates.
    outer = ((0.6, 0.0), (0.76, -0.3), (0.9, -0.26), (0.92, 0.0), (0.9, 0.26), (0.76, 0.3))
    for corner in range(5):
        angle = 2 * math.pi * corner / 5 - math.pi / 2
        x, y = math.cos(angle), math.sin(angle)
        pen.line([(0.3 * x, 0.3 * y), (0.66 * x, 0.66 * y)], 0.05, patch)
        edge = [(r * math.cos(angle + turn), r * math.sin(angle + turn)) for r, turn in outer]
        pen.polygon(edge, patch)
    fifths = [2 * math.pi * corner / 5 for corner in range(5)]
    pen.polygon([(0.34 * math.sin(angle), -0.34 * math.cos(angle)) for angle in fifths], patch)


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
    for half in pen.sides():
        for near, far, height in ((0.4, 0.56, 0.5), (0.59, 0.73, 0.38), (0.75, 0.85, 0.24)):
            half.box(near, -height, far, height, plate)
            half.box(near, -height, far, -height + 0.1, shade(plate, 1.5))
    for x in (-0.2, 0.0, 0.2):
        pen.line([(x, -0.07), (x, 0.07)], 0.03, shade(metal, 0.6))


def book(pen: Pen, rng: random.Random) -> None:
    """An open book."""
    cover, paper = any_colour(rng), vary(rng, (250, 246, 230), 5)
    for half, page in zip(pen.sides(), (paper, shade(paper, 0.93)), strict=True):
        half.polygon([(0, -0.42), (0.96, -0.6), (0.96, 0.56), (0, 0.74)], shade(cover, 0.9))
        half.polygon([(0, -0.48), (0.45, -0.66), (0.87, -0.58), (0.87, 0.46), (0, 0.62)], page)
        for step in range(5):
            y = -0.36 + 0.18 * step
            half.line([(0.14, y), (0.74, y - 0.1)], 0.04, (130, 130, 135))
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
    for half in pen.sides():
        half.ellipse(0.66, 0.28, 0.28, 0.46, case)
        half.circle(0.55, -0.12, 0.4, case)
    pen.box(-0.55, -0.5, 0.55, 0.28, case)
    pen.box(-0.6, -0.19, -0.32, -0.09, dark)
    pen.box(-0.51, -0.28, -0.41, 0.0, dark)
    buttons = ((0.46, -0.3), (0.62, -0.14), (0.46, 0.02), (0.3, -0.14))
    for (x, y), colour in zip(buttons, BRIGHT[::2], strict=True):
        pen.circle(x, y, 0.085, colour)
    for x in (-0.24, 0.24):
        pen.circle(x, 0.16, 0.16, dark)
        pen.circle(x, 0.16, 0.09, shade(dark, 1.5))


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


def sneakers(pen: Pen, rng: random.Random) -> None:
    """A sports shoe from the side."""
    upper, stripe = any_colour(rng), rng.choice((WHITE, any_colour(rng)))
    pen.polygon(
        [
            (-0.9, 0.35), (-0.9, -0.42), (-0.7, -0.5), (-0.3, -0.46), (-0.1, -0.2), (0.35, 0.0),
            (0.8, 0.08), (0.95, 0.35),
        ],
        upper,
    )  # fmt: skip
    pen.polygon([(-0.9, -0.42), (-0.7, -0.5), (-0.3, -0.46), (-0.4, -0.3)], shade(upper, 0.5))
    pen.polygon([(0.5, 0.03), (0.8, 0.08), (0.95, 0.35), (0.55, 0.35)], shade(upper, 1.5))
    for x in (-0.6, -0.42, -0.24):
        pen.line([(x, 0.28), (x + 0.16, -0.1)], 0.07, stripe)
    for step in range(3):
        x, y = -0.2 + 0.17 * step, -0.3 + 0.13 * step
        pen.line([(x - 0.12, y + 0.1), (x + 0.1, y)], 0.06, WHITE)
    pen.line([(-0.88, 0.42), (0.88, 0.42)], 0.2, vary(rng, WHITE, 7))
    pen.line([(-0.9, 0.53), (0.9, 0.53)], 0.06, (120, 120, 125))


def flipflops(pen: Pen, rng: random.Random) -> None:
    """A pair of flip-flops from above."""
    sole = any_colour(rng)
    strap = rng.choice((WHITE, BLACK, any_colour(rng)))
    for x in (-0.45, 0.45):
        pen.ellipse(x, -0.42, 0.38, 0.5, sole)
        pen.ellipse(x, 0.48, 0.31, 0.46, sole)
        pen.box(x - 0.31, -0.3, x + 0.31, 0.5, sole)
        pen.ellipse(x, -0.4, 0.27, 0.4, shade(sole, 1.5))
        pen.ellipse(x, 0.46, 0.2, 0.34, shade(sole, 1.5))
        pen.line([(x - 0.32, 0.12), (x, -0.52), (x + 0.32, 0.12)], 0.13, strap)


def sunglasses(pen: Pen, rng: random.Random) -> None:
    """Sunglasses from the front."""
    frame = BLACK if rng.random() < 0.5 else shade(any_colour(rng), 0.8)
    lens = vary(rng, rng.choice(((50, 50, 60), (95, 60, 35), (40, 70, 110))))
    pen.line([(-0.95, -0.35), (-0.7, -0.24), (0.7, -0.24), (0.95, -0.35)], 0.11, frame)
    for x in (-0.47, 0.47):
        pen.polygon(
            [(x - 0.43, -0.3), (x + 0.43, -0.3), (x + 0.4, 0.15), (x + 0.2, 0.4), (x - 0.2, 0.4),
             (x - 0.4, 0.15)],
            frame,
        )  # fmt: skip
        pen.polygon(
            [(x - 0.34, -0.2), (x + 0.34, -0.2), (x + 0.31, 0.12), (x + 0.15, 0.31),
             (x - 0.15, 0.31), (x - 0.31, 0.12)],
            lens,
        )  # fmt: skip
        pen.line([(x - 0.2, 0.08), (x, -0.14)], 0.06, shade(lens, 2.2))


def jumper(pen: Pen, rng: random.Random) -> None:
    """A knitted jumper with a pattern."""
    wool = any_colour(rng)
    pattern = rng.choice((WHITE, shade(wool, 0.6), any_colour(rng)))
    sleeve = [(0.4, -0.7), (0.72, -0.5), (0.95, 0.6), (0.68, 0.68), (0.45, 0.0)]
    for half in pen.sides():
        half.polygon(sleeve, shade(wool, 0.85))
        half.line([(0.68, 0.64), (0.94, 0.56)], 0.1, pattern)
    pen.polygon([(-0.42, -0.75), (0.42, -0.75), (0.55, -0.4), (0.52, 0.85), (-0.52, 0.85),
                 (-0.55, -0.4)], wool)  # fmt: skip
    pen.chord(0, -0.76, 0.26, 0.2, 0, 180, shade(wool, 0.45))
    pen.box(-0.52, 0.72, 0.52, 0.86, pattern)
    zigzag = [(-0.5 + 0.125 * step, -0.1 if step % 2 else 0.06) for step in range(9)]
    pen.line(zigzag, 0.08, pattern)
    pen.line([(x, y + 0.34) for x, y in zigzag], 0.08, pattern)


def lipstick(pen: Pen, rng: random.Random) -> None:
    """An open lipstick."""
    red = vary(rng, rng.choice(((200, 20, 50), (225, 70, 130), (150, 25, 60))))
    case = vary(rng, rng.choice((BLACK, (70, 40, 90), (150, 30, 40))), 10)
    gold = vary(rng, (218, 180, 90), 12)
    pen.polygon([(-0.22, 0.0), (-0.22, -0.62), (0.1, -0.95), (0.22, -0.85), (0.22, 0.0)], red)
    pen.polygon([(-0.22, -0.62), (0.1, -0.95), (0.22, -0.85), (0.05, -0.6)], shade(red, 1.5))
    pen.box(-0.28, -0.12, 0.28, 0.28, gold)
    pen.box(-0.2, -0.12, -0.1, 0.28, shade(gold, 1.8))
    pen.box(-0.37, 0.24, 0.37, 0.95, case)
    pen.box(-0.28, 0.3, -0.18, 0.9, shade(case, 1.6))
