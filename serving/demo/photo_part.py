"""Where a photo is dropped, chosen, taken or pasted."""

from pathlib import Path

import gradio as gr
from gradio import processing_utils
from gradio.data_classes import ImageData

from serving.demo.stub_files import without_stub_files

with without_stub_files():

    class PhotoPart(gr.Image):
        """A part whose value is the path of the file that was given, whatever it is.

        `gr.Image` would decode and encode it again, and fail in its own words for what is no photo.
        """

        is_template = True  # to the browser it is a `gr.Image`

        def preprocess(self, payload: ImageData | None) -> str | None:
            """The path of what was given; None for a file that was not given here.

            Gradio looks only at those that a browser declares to be files.
            """
            if payload is None or payload.path is None:
                return None
            path = Path(payload.path).resolve()
            return str(path) if path.is_relative_to(Path(self.GRADIO_CACHE).resolve()) else None

        def postprocess(self, value: str | None) -> ImageData | None:  # type: ignore[override]
            """A copy of a file, which the browser may have."""
            if value is None:
                return None
            copy = processing_utils.save_file_to_cache(value, self.GRADIO_CACHE)
            return ImageData(path=copy, orig_name=Path(value).name)


def build(elem_id: str) -> PhotoPart:
    """The part of the page, empty."""
    return PhotoPart(
        label="Photo",
        sources=["upload", "webcam", "clipboard"],
        buttons=[],
        height=300,
        elem_id=elem_id,
        placeholder="Drop a photo here, or click to choose one",
        alt_text="The photo that is asked about",
    )
