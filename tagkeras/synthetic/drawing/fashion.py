"""Things to wear."""

import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Pen, any_colour, shade, vary


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
    for side in (-1, 1):
        x = side * 0.47
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
    for side in (-1, 1):
        pen.polygon(
            [(side * 0.4, -0.7), (side * 0.72, -0.5), (side * 0.95, 0.6), (side * 0.68, 0.68),
             (side * 0.45, 0.0)],
            shade(wool, 0.85),
        )  # fmt: skip
        pen.line([(side * 0.68, 0.64), (side * 0.94, 0.56)], 0.1, pattern)
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
