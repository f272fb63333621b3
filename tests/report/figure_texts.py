"""What stands in a figure, read from its SVG."""

from xml.etree import ElementTree

from tagkeras.report import plotting


def svg_of(figure, name="figure"):
    return ElementTree.fromstring(plotting.inline_svg(figure, name, "what it shows"))


def texts_of(figure):
    """The texts of a figure, in the order of drawing."""
    return [element.text for element in svg_of(figure).iter("text")]


def lines_with_marker(axes, marker):
    """Lines of some axes that are drawn with a marker, and have points."""
    return [line for line in axes.lines if line.get_marker() == marker and len(line.get_xdata())]
