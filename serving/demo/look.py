"""The look of the page: system fonts, the colours of the report, and its style sheet."""

import importlib.resources

import gradio as gr
from tagkeras.report.figures import palette

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
_INK_DARK = "#e8eaee"


def theme() -> gr.themes.Base:
    """Gradio's plain theme with fonts that every system has, so that none is fetched."""
    return gr.themes.Base(
        font=list(FONTS),
        font_mono=list(_MONO),
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.gray,
        radius_size=gr.themes.sizes.radius_lg,
    )


def style() -> str:
    """The style sheet, with the palette as custom properties for a light and a dark page."""
    sheet = (importlib.resources.files(__package__) / "page.css").read_text(encoding="utf-8")
    light = {"ink": palette.INK} | {name: value for value, (name, _) in palette.DARK.items()}
    dark = {"ink": _INK_DARK} | dict(palette.DARK.values())
    return f":root {{{_properties(light)}}}\n.dark {{{_properties(dark)}}}\n{sheet}"


def _properties(colours: dict[str, str]) -> str:
    return " ".join(f"--c-{name}: {value};" for name, value in colours.items())
