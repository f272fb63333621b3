"""The colours of all figures, each with what it becomes on a dark page.

Data colours are those of Okabe and Ito, which people with any colour vision tell apart, darkened a
little where they are too pale for lines on white.

References:
    Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/
"""

INK = "#1d1f23"
MUTED = "#5b6069"
GRID = "#dfe2e6"
SURFACE = "#fefefe"

BLUE = "#0072b2"
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#b5588f"
ORANGE = "#d18f00"
SKY = "#3fa0dc"
OLIVE = "#8a8a00"
BROWN = "#8f5b34"

BASELINE = "#7d838d"
ORACLE = "#474c54"
UNKNOWN = "#a6abb3"

# From young to old: hue and lightness change together, and every step stands out from white and
# from black, so that it may be drawn as pixels on either.
SEQUENCE = ("#4a5fc0", "#8a5fbe", "#c25a9a", "#dc6a68", "#dc8a3c", "#cfa92a")

# Name of the custom property of a page, and its value on a dark one. INK has none: it is the text
# colour of wherever the figure stands.
DARK = {
    MUTED: ("muted", "#a9b0ba"),
    GRID: ("grid", "#3a3f47"),
    SURFACE: ("surface", "#15171a"),
    BLUE: ("blue", "#4fabe8"),
    VERMILION: ("vermilion", "#f28a3c"),
    GREEN: ("green", "#35c49a"),
    PURPLE: ("purple", "#df92c0"),
    ORANGE: ("orange", "#f0b840"),
    SKY: ("sky", "#8fd0f7"),
    OLIVE: ("olive", "#d4d46a"),
    BROWN: ("brown", "#c99a72"),
    BASELINE: ("baseline", "#9aa1ac"),
    ORACLE: ("oracle", "#cdd2d9"),
    UNKNOWN: ("unknown", "#5a616b"),
}
