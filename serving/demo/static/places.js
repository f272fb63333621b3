// Where people live. A home is {country, latitude, longitude}, null where it is unknown.

// The map of index.html: tenths of a degree from 180 W and 84 N, as the outlines of countries.tsv.
const [WEST, NORTH, SCALE] = [-180, 84, 10];
const EARTH_RADIUS_KM = 6371;
// A home this near a city is called by its name. On a phone a pixel of the map is a degree, so that
// a click farther away may still mean the city.
const [IN_CITY_KM, CLICK_KM] = [50, 200];

export const cities = await (await fetch("cities.json")).json();
const countries = (await (await fetch("countries.tsv")).text())
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.split("\t"));
export const countryNames = new Map(countries.filter(([code]) => code));

export function homeIn(name) {
  const {country, latitude, longitude} = cities.find((city) => city.name === name);
  return {country, latitude, longitude};
}

// The great-circle distance, by the haversine formula.
function kilometres(a, b) {
  const [phi, otherPhi, lambda] = [a.latitude, b.latitude, b.longitude - a.longitude].map(
    (degrees) => (degrees * Math.PI) / 180,
  );
  const chord =
    Math.sin((otherPhi - phi) / 2) ** 2 +
    Math.cos(phi) * Math.cos(otherPhi) * Math.sin(lambda / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, chord)));
}

// The name of the nearest city; null if none is near, or nothing is known.
export function cityNear(home, withinKm = IN_CITY_KM) {
  if (home.latitude === null) return null;
  const [city] = cities.toSorted((a, b) => kilometres(home, a) - kilometres(home, b));
  return kilometres(home, city) <= withinKm ? city.name : null;
}

// Such as "London, United Kingdom"; "" if nothing is known.
export function homeInWords(home) {
  const inDegrees = (value, letters) => `${Math.abs(value).toFixed(1)}° ${letters[+(value < 0)]}`;
  const {country, latitude, longitude} = home;
  const known = latitude !== null;
  const point = known && `${inDegrees(latitude, "NS")} ${inDegrees(longitude, "EW")}`;
  return [cityNear(home) ?? point, countryNames.get(country)].filter(Boolean).join(", ");
}

// Draws the map and returns the function that shows a home on it. `onMove` is called with the home
// that a click or an arrow key chooses.
export function buildWorld(world, onMove) {
  const draw = (parent, name, attributes, title) => {
    const [shape, words] = [name, "title"].map((one) =>
      document.createElementNS(world.namespaceURI, one),
    );
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    words.textContent = title;
    shape.append(words);
    world.querySelector(parent).append(shape);
    return shape;
  };
  const x = (longitude) => (longitude - WEST) * SCALE;
  const y = (latitude) => (NORTH - latitude) * SCALE;
  const {width, height} = world.viewBox.baseVal;
  const lands = countries
    .filter(([, , outline]) => outline)
    .map(([code, name, d]) => draw(".lands", "path", {"data-code": code, d}, name));
  for (const {name, latitude, longitude} of cities)
    draw(".cities", "circle", {cx: x(longitude), cy: y(latitude), r: 11}, name);
  const marker = world.querySelector(".marker");
  let shown = null;

  function moveTo(newX, newY, snapKm = 0) {
    const [left, top] = [Math.min(Math.max(newX, 0), width), Math.min(Math.max(newY, 0), height)];
    const land = lands.find((one) => one.isPointInFill(new DOMPoint(left, top)));
    const round = (degrees) => Math.round(degrees * 100) / 100;
    const home = {
      country: land?.dataset.code || null,
      latitude: round(NORTH - top / SCALE),
      longitude: round(WEST + left / SCALE),
    };
    const city = cityNear(home, snapKm);
    onMove(city ? homeIn(city) : home);
  }

  world.addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY);
    const inside = point.matrixTransform(world.getScreenCTM().inverse());
    moveTo(inside.x, inside.y, CLICK_KM);
  });
  const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  world.addEventListener("keydown", (event) => {
    const step = steps[event.key]?.map((degrees) => degrees * SCALE * (event.shiftKey ? 10 : 1));
    if (!step) return;
    event.preventDefault();
    moveTo(x(shown.longitude ?? 0) + step[0], y(shown.latitude ?? 0) + step[1]); // exact
  });

  return (home) => {
    shown = home;
    for (const land of lands)
      land.classList.toggle("chosen", land.dataset.code === home.country);
    marker.classList.toggle("known", home.latitude !== null);
    marker.setAttribute("transform", `translate(${x(home.longitude)} ${y(home.latitude)})`);
  };
}
