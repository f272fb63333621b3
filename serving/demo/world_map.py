"""The map of the page: a picture of the world whose points have latitudes and longitudes.

It is one SVG in the page itself, equirectangular, so a point of it is a place by two divisions; no
tiles are fetched. The script shows the component's value, {country, latitude, longitude, words},
and makes one of each click and arrow key, without words but with the number of the click.
"""

from html import escape

from serving.demo.countries import EAST, NAMES, NORTH, OUTLINES, SOUTH, WEST
from tagkeras.data.cities import CITIES

# Units of the picture a degree: those of the outlines.
_SCALE = 10

SCRIPT = """
const svg = element.querySelector("svg");
const [west, north, scale] = ["west", "north", "scale"].map((name) => Number(svg.dataset[name]));
const lands = [...svg.querySelectorAll("path[data-code]")];
const marker = svg.querySelector(".marker");
const said = element.querySelector("[aria-live]");
let last = {click: 0};

function inWords(degrees, letters) {
  return `${Math.abs(degrees).toFixed(1)}° ${letters[degrees < 0 ? 1 : 0]}`;
}

function show() {
  const {country, latitude, longitude, words} = props.value || {};
  for (const land of lands)
    land.classList.toggle("chosen", Boolean(country) && land.dataset.code === country);
  const known = latitude != null && longitude != null;
  marker.classList.toggle("known", known);
  if (known) {
    const [x, y] = [(longitude - west) * scale, (north - latitude) * scale];
    marker.setAttribute("transform", `translate(${x} ${y})`);
  }
  const land = country && lands.find((one) => one.dataset.code === country);
  said.textContent = words || [
    known && `${inWords(latitude, "NS")} ${inWords(longitude, "EW")}`,
    land && land.querySelector("title").textContent,
  ].filter(Boolean).join(", ");
}

function choose(x, y, exact) {
  const box = svg.viewBox.baseVal;
  const point = svg.createSVGPoint();
  point.x = Math.min(Math.max(x, 0), box.width);
  point.y = Math.min(Math.max(y, 0), box.height);
  const land = lands.find((one) => one.isPointInFill(point));
  last = {
    click: last.click + 1,
    country: land ? land.dataset.code : "",
    latitude: Math.round((north - point.y / scale) * 100) / 100,
    longitude: Math.round((west + point.x / scale) * 100) / 100,
    exact,
  };
  props.value = last;
  show();
  trigger("input");
}

svg.addEventListener("click", (event) => {
  const point = new DOMPoint(event.clientX, event.clientY);
  const {x, y} = point.matrixTransform(svg.getScreenCTM().inverse());
  choose(x, y, false);
});

svg.addEventListener("keydown", (event) => {
  const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  const {latitude, longitude} = props.value || {};
  const degrees = event.shiftKey ? 10 : 1;
  const x = ((longitude ?? 0) - west + step[0] * degrees) * scale;
  const y = (north - (latitude ?? 0) + step[1] * degrees) * scale;
  choose(x, y, true);
});

watch("value", () => {
  if (props.value?.click < last.click) {  // the answer to an earlier click
    props.value = last;
    trigger("input");
  }
  show();
});
show();
"""


def picture(label: str) -> str:
    """The SVG: land with its codes, the cities of the list, and a marker that is not shown yet.

    A hidden line behind it is for the words of the place, which screen readers say.
    """
    width, height = round((EAST - WEST) * _SCALE), round((NORTH - SOUTH) * _SCALE)
    lines = "".join(
        f"M{(longitude - WEST) * _SCALE:g} 0v{height}" for longitude in range(-150, 180, 30)
    ) + "".join(f"M0 {(NORTH - latitude) * _SCALE:g}h{width}" for latitude in range(-30, 84, 30))
    lands = "".join(
        f'<path data-code="{country.code}" d="{country.outline}">'
        f"<title>{escape(NAMES.get(country.code, ''))}</title></path>"
        for country in OUTLINES
        if country.outline
    )
    cities = "".join(
        f'<circle cx="{(city.longitude - WEST) * _SCALE:.0f}" '
        f'cy="{(NORTH - city.latitude) * _SCALE:.0f}" r="11"><title>{escape(city.name)}</title>'
        "</circle>"
        for city in CITIES
    )
    return (
        f'<svg class="world" viewBox="0 0 {width} {height}" tabindex="0" role="application" '
        f'aria-label="{escape(label)}" data-west="{WEST:g}" data-north="{NORTH:g}" '
        f'data-scale="{_SCALE}">'
        f'<rect class="sea" width="{width}" height="{height}"/><path class="grid" d="{lines}"/>'
        f'<g class="lands">{lands}</g><g class="cities">{cities}</g>'
        '<g class="marker"><circle class="halo" r="75"/><circle class="dot" r="34"/></g></svg>'
        '<p class="said" aria-live="polite"></p>'
    )
