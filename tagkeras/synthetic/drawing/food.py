"""Things to eat and drink."""

import math
import random

from tagkeras.synthetic.drawing.pen import BLACK, WHITE, Pen, any_colour, shade, vary


def pizza(pen: Pen, rng: random.Random) -> None:
    """A slice, or a whole pizza."""
    crust, cheese = vary(rng, (195, 130, 60)), vary(rng, (248, 205, 85))
    salami = vary(rng, (190, 45, 35))
    if rng.random() < 0.5:
        pen.polygon([(-0.72, -0.62), (0.72, -0.62), (0, 0.95)], cheese)
        pen.line([(-0.72, -0.66), (0, -0.78), (0.72, -0.66)], 0.26, crust)
        spots = [(-0.3, -0.32), (0.26, -0.24), (-0.02, 0.22)]
    else:
        pen.circle(0, 0, 0.95, crust)
        pen.circle(0, 0, 0.8, cheese)
        turn = rng.random()
        angles = [turn + 2 * math.pi * part / 6 for part in range(6)]
        spots = [(0.54 * math.cos(angle), 0.54 * math.sin(angle)) for angle in angles] + [(0, 0)]
        for angle in angles[:3]:
            x, y = 0.8 * math.cos(angle + 0.5), 0.8 * math.sin(angle + 0.5)
            pen.line([(-x, -y), (x, y)], 0.03, shade(cheese, 0.75))
    for x, y in spots:
        pen.circle(x, y, 0.17, salami)
        pen.circle(x - 0.03, y - 0.03, 0.1, shade(salami, 1.25))
    pen.circles([(x + 0.2, y + 0.16) for x, y in spots[::2]], 0.05, (70, 130, 50))


def fries(pen: Pen, rng: random.Random) -> None:
    """Sticks of potato in a box."""
    box, potato = vary(rng, (205, 35, 35)), vary(rng, (245, 205, 85), 12)
    if rng.random() < 0.3:
        box = any_colour(rng)
    for step in range(7):
        x = -0.5 + step / 6
        lean = 0.25 * x + rng.uniform(-0.08, 0.08)
        top = -0.6 - rng.uniform(0, 0.35)
        pen.line([(x * 0.8, 0.2), (x + lean, top)], 0.17, shade(potato, 0.8))
        pen.line([(x * 0.8 - 0.02, 0.2), (x + lean - 0.02, top)], 0.11, potato)
    pen.polygon([(-0.66, -0.2), (0.66, -0.2), (0.46, 0.95), (-0.46, 0.95)], box)
    pen.chord(0, -0.22, 0.56, 0.26, 0, 180, shade(box, 0.7))
    pen.circle(0, 0.48, 0.2, WHITE)


def crisps(pen: Pen, rng: random.Random) -> None:
    """A packet of crisps."""
    bag, golden = any_colour(rng), vary(rng, (240, 195, 80))
    shine = shade(bag, 1.7)
    top = [(-0.6 + 0.15 * step, -0.95 if step % 2 else -0.85) for step in range(9)]
    bottom = [(0.6 - 0.15 * step, 0.95 if step % 2 else 0.85) for step in range(9)]
    pen.polygon(
        [*top, (0.68, -0.6), (0.62, 0), (0.68, 0.6), *bottom, (-0.68, 0.6), (-0.62, 0)], bag
    )
    pen.box(-0.6, -0.8, 0.6, -0.7, shine)
    pen.box(-0.6, 0.7, 0.6, 0.8, shine)
    pen.box(-0.56, -0.5, 0.56, -0.24, WHITE)
    pen.line([(-0.4, -0.37), (0.4, -0.37)], 0.1, shade(bag, 0.6))
    for x, y in ((-0.22, 0.22), (0.22, 0.14), (0.04, 0.42)):
        pen.ellipse(x, y, 0.3, 0.21, shade(golden, 0.7))
        pen.ellipse(x, y, 0.26, 0.17, golden)


def lollipop(pen: Pen, rng: random.Random) -> None:
    """A lollipop with a swirl."""
    candy = any_colour(rng)
    swirl = WHITE if rng.random() < 0.7 else any_colour(rng)
    pen.line([(0, 0.2), (0, 0.97)], 0.11, vary(rng, (235, 230, 215), 8))
    pen.circle(0, -0.32, 0.62, candy)
    turns = [0.4 * step for step in range(24)]
    pen.line([(0.06 * t * math.cos(t), -0.32 + 0.06 * t * math.sin(t)) for t in turns], 0.12, swirl)


def icecream(pen: Pen, rng: random.Random) -> None:
    """Scoops in a cone."""
    flavours = ((250, 180, 200), (250, 240, 210), (120, 75, 45), (165, 225, 180), (250, 205, 110))
    cone = vary(rng, (215, 160, 85))
    pen.polygon([(-0.42, -0.05), (0.42, -0.05), (0, 0.97)], cone)
    for step in (-0.2, 0.05, 0.3):
        pen.line([(step - 0.15, -0.03), (step * 0.3 + 0.1, 0.55)], 0.04, shade(cone, 0.7))
        pen.line([(step + 0.1, -0.03), (step * 0.3 - 0.12, 0.55)], 0.04, shade(cone, 0.7))
    two, three = [(-0.24, -0.25), (0.24, -0.25)], [(-0.25, -0.22), (0.25, -0.22), (0, -0.6)]
    for x, y in rng.choice(([(0, -0.3)], two, three)):
        scoop = vary(rng, rng.choice(flavours), 10)
        pen.circle(x, y, 0.36, shade(scoop, 0.85))
        pen.circle(x - 0.04, y - 0.04, 0.31, scoop)
    if rng.random() < 0.5:
        pen.circle(0.05, -0.86 if y < -0.5 else -0.6, 0.11, (205, 30, 45))


def cake(pen: Pen, rng: random.Random) -> None:
    """A cake with candles."""
    dough = vary(rng, rng.choice(((225, 185, 130), (105, 65, 40), (250, 225, 170))))
    icing = vary(rng, rng.choice(((250, 190, 210), (250, 245, 240), (180, 215, 245))), 10)
    pen.ellipse(0, 0.86, 0.95, 0.11, (200, 200, 208))
    pen.box(-0.76, -0.1, 0.76, 0.82, dough)
    pen.box(-0.76, 0.34, 0.76, 0.46, icing)
    pen.box(-0.76, -0.18, 0.76, 0.08, icing)
    pen.circles([(-0.64 + 0.256 * step, 0.08) for step in range(6)], 0.13, icing)
    for x in (-0.45, 0, 0.45) if rng.random() < 0.6 else (-0.54, -0.18, 0.18, 0.54):
        pen.box(x - 0.05, -0.6, x + 0.05, -0.16, any_colour(rng))
        pen.ellipse(x, -0.74, 0.08, 0.15, (255, 150, 30))
        pen.ellipse(x, -0.7, 0.04, 0.08, (255, 235, 120))


def barbecue(pen: Pen, rng: random.Random) -> None:
    """Sausages on a kettle grill."""
    kettle = BLACK if rng.random() < 0.6 else shade(any_colour(rng), 0.7)
    steel = (120, 120, 126)
    for foot in (-0.55, 0.0, 0.55):
        pen.line([(foot * 0.4, 0.3), (foot, 0.95)], 0.08, steel)
    pen.chord(0, 0, 0.85, 0.56, 0, 180, kettle)
    pen.box(-0.85, -0.04, 0.85, 0.06, (225, 90, 30))
    pen.box(-0.92, -0.1, 0.92, -0.03, steel)
    sausage = vary(rng, (160, 75, 40))
    for x in (-0.52, -0.02, 0.48):
        pen.line([(x - 0.15, -0.2), (x + 0.15, -0.22)], 0.2, sausage)
        pen.line([(x - 0.08, -0.26), (x + 0.02, -0.17)], 0.03, shade(sausage, 0.5))
    smoke = vary(rng, (190, 190, 195), 10)
    for x in (-0.4, 0.25):
        pen.line([(x, -0.42), (x + 0.1, -0.56), (x - 0.05, -0.7), (x + 0.07, -0.88)], 0.07, smoke)


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
    steam = (205, 205, 210)
    for x in (-0.28, 0.02, 0.32):
        pen.line([(x, -0.34), (x + 0.09, -0.5), (x - 0.06, -0.68), (x + 0.05, -0.9)], 0.07, steam)


def beer(pen: Pen, rng: random.Random) -> None:
    """A glass of beer with a head of foam."""
    amber = vary(rng, rng.choice(((235, 165, 35), (200, 110, 30), (245, 195, 70))), 10)
    glass = (215, 225, 232)
    pen.ring(0.56, 0.15, 0.38, 0.12, glass)
    pen.box(-0.62, -0.55, 0.52, 0.95, glass)
    pen.box(-0.53, -0.5, 0.43, 0.84, amber)
    for x in (-0.3, 0.0, 0.28):
        pen.box(x - 0.05, -0.1, x + 0.03, 0.7, shade(amber, 1.35))
    foam = [(-0.5, -0.58), (-0.2, -0.68), (0.12, -0.66), (0.4, -0.56), (-0.34, -0.45)]
    pen.circles(foam, 0.22, (252, 248, 235))
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
