"""Draws a photo and the hashtags that several people would put on it.

python -m serving.client ... --image=PHOTO --users=USERS --json > answers.json
python examples/picture.py answers.json picture.png
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PHOTO, COLUMN, LINE, MARGIN, HASHTAGS = 256, 190, 26, 24, 8
INK, FAINT, OWN = "#1f2328", "#6e7781", "#0550ae"


def draw(answers: list[dict], photo: Path) -> Image.Image:
    """The photo on the left, a column for each answer; blue where nobody else has the hashtag."""
    width = 3 * MARGIN + PHOTO + COLUMN * len(answers)
    picture = Image.new("RGB", (width, 2 * MARGIN + PHOTO), "white")
    with Image.open(photo) as image:
        picture.paste(image.convert("RGB").resize((PHOTO, PHOTO), Image.LANCZOS), (MARGIN, MARGIN))
    pen = ImageDraw.Draw(picture)
    title, text = ImageFont.load_default(17), ImageFont.load_default(16)
    lists = [[h["hashtag"] for h in answer["hashtags"][:HASHTAGS]] for answer in answers]
    for column, (answer, hashtags) in enumerate(zip(answers, lists, strict=True)):
        x = 2 * MARGIN + PHOTO + COLUMN * column
        pen.text((x, MARGIN), answer["user"].get("name") or "", FAINT, title)
        others = {tag for other in lists if other is not hashtags for tag in other}
        for row, hashtag in enumerate(hashtags):
            y = MARGIN + LINE * row + 38
            pen.text((x, y), f"#{hashtag}", INK if hashtag in others else OWN, text)
    return picture


def main() -> None:
    """Reads the answers of `serving.client --json`, writes the picture."""
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/picture.py ANSWERS.json PICTURE.png")
    answers = json.loads(Path(sys.argv[1]).read_text())["answers"]
    draw(answers, Path(answers[0]["image"])).save(sys.argv[2])
    print(f"wrote {sys.argv[2]}")


if __name__ == "__main__":
    main()
