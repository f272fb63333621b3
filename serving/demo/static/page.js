// The page of serving.demo. `photo` and `people` say what is asked about; whatever changes them calls
// `ask`, which shows the answer.

const ORDINALS = ["First person", "Second person"];
const SPOKEN_HASHTAGS = 3;
const RETRY_MILLISECONDS = 3000;
const FAILURES = {
  413: "This photo is too large.",
  503: "Too many people are asking at the moment. Please try again in a while.",
};
// The map: tenths of a degree from 180 W and 84 N, as the outlines of countries.tsv.
const [WEST, NORTH, SCALE] = [-180, 84, 10];
const EARTH_RADIUS_KM = 6371;
// A home this near a city is called by its name. On a phone a pixel of the map is a degree, so that
// a click farther away may still mean the city.
const [IN_CITY_KM, CLICK_KM] = [50, 200];

const find = (selector, within = document) => within.querySelector(selector);
const page = await (await fetch("page.json")).json();
const countries = (await (await fetch("countries.tsv")).text())
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.split("\t"));
const countryNames = new Map(countries.filter(([code]) => code).map(([code, name]) => [code, name]));

const UNKNOWN = {age: null, gender: null, country: null, latitude: null, longitude: null};
const PRESETS = {
  "She, 20, London": {age: 20, gender: "female", ...homeIn("London")},
  "He, 60, Denver": {age: 60, gender: "male", ...homeIn("Denver")},
  "She, 41, Sydney": {age: 41, gender: "female", ...homeIn("Sydney")},
  "Nothing known": UNKNOWN,
};
const people = Object.values(PRESETS).slice(0, ORDINALS.length);
let photo = null; // {key, url, file, refusal}; key: on the server; file: of the visitor's own

function element(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

// Places

function homeIn(name) {
  const {country, latitude, longitude} = page.cities.find((city) => city.name === name);
  return {country, latitude, longitude};
}

function kilometres(a, b) {
  const [phi, otherPhi, lambda] = [a.latitude, b.latitude, b.longitude - a.longitude].map(
    (degrees) => (degrees * Math.PI) / 180,
  );
  const chord =
    Math.sin((otherPhi - phi) / 2) ** 2 +
    Math.cos(phi) * Math.cos(otherPhi) * Math.sin(lambda / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, chord)));
}

function cityNear(home, withinKm) {
  if (home.latitude === null) return null;
  const [city] = page.cities.toSorted((a, b) => kilometres(home, a) - kilometres(home, b));
  return kilometres(home, city) <= withinKm ? city.name : null;
}

function homeInWords(home) {
  const degrees = (value, letters) => `${Math.abs(value).toFixed(1)}° ${letters[value < 0 ? 1 : 0]}`;
  const town =
    cityNear(home, IN_CITY_KM) ??
    (home.latitude === null
      ? null
      : `${degrees(home.latitude, "NS")} ${degrees(home.longitude, "EW")}`);
  return [town, countryNames.get(home.country)].filter(Boolean).join(", ");
}

function inWords(person) {
  const noun = {female: "Woman", male: "Man"}[person.gender] ?? "Person";
  const known = [person.age, homeInWords(person)].filter((word) => word !== null && word !== "");
  return known.length || person.gender ? [noun, ...known].join(", ") : "Somebody unknown";
}

// Photos

function choose(chosen) {
  stopCamera();
  if (photo?.file) URL.revokeObjectURL(photo.url);
  photo = chosen;
  const image = find("#photo img");
  image.hidden = !photo;
  image.src = photo?.url ?? "";
  find("#remove").hidden = !photo;
  for (const button of document.querySelectorAll("#gallery button"))
    button.setAttribute("aria-pressed", String(button.dataset.photo === photo?.key));
  ask();
}

function chooseFile(file) {
  if (!file) return;
  const megabytes = Math.round(page.maxBytes / 2 ** 20);
  const refusal =
    file.size > page.maxBytes ? `This photo is too large: at most ${megabytes} MB, please.` : null;
  choose({key: null, url: URL.createObjectURL(file), file, refusal});
}

function stopCamera() {
  const video = find("#photo video");
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  video.hidden = true;
  find("#camera").textContent = "Camera";
}

async function useCamera() {
  const video = find("#photo video");
  if (video.srcObject) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob(chooseFile, "image/jpeg", 0.92);
    return;
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: true});
    video.hidden = false;
    await video.play();
    find("#camera").textContent = "Take the photo";
  } catch (error) {
    stopCamera();
    notify(`The camera cannot be used: ${error.message}`);
  }
}

function buildPhotoSide() {
  const input = find("#photo input");
  input.addEventListener("change", () => {
    chooseFile(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  find("#remove").addEventListener("click", () => choose(null));
  find("#camera").hidden = !navigator.mediaDevices;
  find("#camera").addEventListener("click", useCamera);
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    chooseFile(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => chooseFile(event.clipboardData.files[0]));
  for (const [index, {photo: key, image}] of page.gallery.entries()) {
    const picture = element("img", "");
    [picture.src, picture.alt] = [image, ""];
    const button = element("button", "", picture);
    button.type = "button";
    button.dataset.photo = key;
    button.setAttribute("aria-label", `Example photo ${index + 1}`);
    button.addEventListener("click", () => choose({key, url: `photos/${key}`}));
    find("#gallery").append(button);
  }
}

// People

const cards = ORDINALS.map(buildCard);

function buildCard(ordinal, index) {
  const card = find("#person").content.cloneNode(true).firstElementChild;
  card.classList.add(`person-${index + 1}`);
  card.setAttribute("aria-label", ordinal);
  const change = (facts) => {
    Object.assign((people[index] = {...people[index]}), facts);
    drawCard(index);
    ask();
  };
  for (const [label, person] of Object.entries(PRESETS)) {
    const button = element("button", "", label);
    button.type = "button";
    button.addEventListener("click", () => change(person));
    find(".presets", card).append(button);
  }
  for (const gender of ["unknown", ...page.genders]) {
    const radio = element("input", "");
    Object.assign(radio, {type: "radio", name: `gender-${index}`, value: gender});
    radio.addEventListener("change", () => change({gender: gender === "unknown" ? null : gender}));
    find(".gender", card).append(element("label", "", radio, gender));
  }
  const [known, number, slider] = [".age-known", ".age-number", ".age-slider"].map((selector) =>
    find(selector, card),
  );
  known.addEventListener("change", () => change({age: known.checked ? +slider.value : null}));
  number.addEventListener("input", () => change({age: number.value ? +number.value : null}));
  slider.addEventListener("input", () => change({age: +slider.value}));
  const [country, city] = [find(".country", card), find(".city", card)];
  country.append(new Option("unknown", ""));
  for (const [code, name] of countryNames) country.append(new Option(name, code));
  country.addEventListener("change", () =>
    change({country: country.value || null, latitude: null, longitude: null}),
  );
  city.append(new Option("unknown", ""));
  for (const name of page.cities.map((one) => one.name).toSorted()) city.append(new Option(name));
  city.addEventListener("change", () =>
    change(city.value ? homeIn(city.value) : {latitude: null, longitude: null}),
  );
  buildWorld(find(".world", card), index, change);
  find("#people").append(card);
  return card;
}

function buildWorld(world, index, change) {
  const draw = (parent, name, attributes, title) => {
    const shape = document.createElementNS(world.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    const words = document.createElementNS(world.namespaceURI, "title");
    words.textContent = title;
    shape.append(words);
    find(parent, world).append(shape);
  };
  for (const [code, name, outline] of countries)
    if (outline) draw(".lands", "path", {"data-code": code, d: outline}, name);
  for (const {name, latitude, longitude} of page.cities)
    draw(
      ".cities",
      "circle",
      {cx: (longitude - WEST) * SCALE, cy: (NORTH - latitude) * SCALE, r: 11},
      name,
    );
  const {width, height} = world.viewBox.baseVal;
  let lines = "";
  for (let x = 30 * SCALE; x < width; x += 30 * SCALE) lines += `M${x} 0v${height}`;
  for (let y = 24 * SCALE; y < height; y += 30 * SCALE) lines += `M0 ${y}h${width}`;
  find(".grid", world).setAttribute("d", lines);

  // Of the countries, outlines as drawn; a city only for a click, since arrow keys can be exact.
  const moveTo = (x, y, snapKm) => {
    const point = new DOMPoint(Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height));
    const land = [...world.querySelectorAll(".lands path")].find((one) => one.isPointInFill(point));
    const round = (degrees) => Math.round(degrees * 100) / 100;
    const home = {
      country: land?.dataset.code || null,
      latitude: round(NORTH - point.y / SCALE),
      longitude: round(WEST + point.x / SCALE),
    };
    const city = snapKm && cityNear(home, snapKm);
    change(city ? homeIn(city) : home);
  };
  world.addEventListener("click", (event) => {
    const inverse = world.getScreenCTM().inverse();
    const {x, y} = new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse);
    moveTo(x, y, CLICK_KM);
  });
  const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  world.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const units = (event.shiftKey ? 10 : 1) * SCALE;
    const {latitude, longitude} = people[index];
    moveTo(
      ((longitude ?? 0) - WEST) * SCALE + step[0] * units,
      (NORTH - (latitude ?? 0)) * SCALE + step[1] * units,
    );
  });
}

function drawCard(index) {
  const [card, person] = [cards[index], people[index]];
  find(".who", card).textContent = inWords(person);
  find(`.gender [value="${person.gender ?? "unknown"}"]`, card).checked = true;
  find(".age-known", card).checked = person.age !== null;
  const number = find(".age-number", card);
  if (number.valueAsNumber !== person.age) number.value = person.age ?? "";
  if (person.age !== null) find(".age-slider", card).value = person.age;
  find(".country", card).value = person.country ?? "";
  find(".city", card).value = cityNear(person, IN_CITY_KM) ?? "";
  find(".home", card).textContent = homeInWords(person) || "unknown";
  for (const land of card.querySelectorAll(".lands path"))
    land.classList.toggle("chosen", Boolean(person.country) && land.dataset.code === person.country);
  const marker = find(".marker", card);
  marker.classList.toggle("known", person.latitude !== null);
  if (person.latitude !== null) {
    const [x, y] = [(person.longitude - WEST) * SCALE, (NORTH - person.latitude) * SCALE];
    marker.setAttribute("transform", `translate(${x} ${y})`);
  }
}

// Questions and answers

class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function post(path, body) {
  const response = await fetch(path, {method: "POST", body});
  const answer = await response.json().catch(() => ({})); // a proxy's own errors are no JSON
  if (response.ok) return answer;
  const {status} = response;
  throw new RequestError(answer.error ?? FAILURES[status] ?? `HTTP status ${status}`, status);
}

async function predict(asked) {
  const question = async () => {
    asked.key ??= (await post("photos", asked.file)).photo;
    return post("predict", JSON.stringify({photo: asked.key, people}));
  };
  return question().catch((error) => {
    if (error.status !== 404 || !asked.file) throw error;
    asked.key = null; // the server has dropped it meanwhile
    return question();
  });
}

let asking = false;
let askAgain = false;
let retry;

// While one answer is under way, of all changes only the last one waits.
async function ask() {
  clearTimeout(retry);
  askAgain = asking;
  if (asking) return;
  asking = true;
  find("#status").setAttribute("aria-busy", "true");
  do {
    askAgain = false;
    await askOnce(photo);
  } while (askAgain);
  asking = false;
  find("#status").removeAttribute("aria-busy");
}

async function askOnce(asked) {
  if (!asked) return showNone("Choose a photo, or drop one of your own.");
  try {
    if (asked.refusal) throw new RequestError(asked.refusal, 415);
    const answer = await predict(asked);
    if (asked === photo) showAnswer(answer);
  } catch (error) {
    if ([413, 415].includes(error.status)) asked.refusal = error.message;
    if (asked !== photo) return;
    if (error.status) {
      const next = asked.refusal ? "Choose another photo, or drop one of your own." : "No hashtags just now.";
      showNone(next, error.message);
    } else {
      showNone("No hashtags just now.", "The connection to this page is lost; it tries again.");
      retry = setTimeout(ask, RETRY_MILLISECONDS);
    }
  }
}

function notify(words) {
  find("#notice").textContent = words;
  find("#notice").hidden = !words;
}

function showNone(words, notice = "") {
  notify(notice);
  find("#status").replaceChildren();
  for (const card of cards) {
    find(".tags", card).replaceChildren();
    find(".none", card).textContent = words;
  }
}

function showAnswer({model, version, milliseconds, answers}) {
  notify("");
  const scores = answers.flat().map((tag) => tag.score);
  const [low, high] = [Math.min(0, ...scores), Math.max(0, ...scores)];
  for (const [index, tags] of answers.entries()) {
    const others = new Set(answers.toSpliced(index, 1).flat().map((tag) => tag.hashtag));
    const rows = tags.map(({hashtag, score}) => {
      const only = !others.has(hashtag);
      const spoken = only ? [element("span", "said", ", only for this person")] : [];
      const name = element("span", "name", `#${hashtag}`, ...spoken);
      name.dir = "auto";
      const bar = element("span", "bar");
      bar.style.setProperty("--share", (score - low) / (high - low || 1));
      return element("li", only ? "tag only" : "tag", name, bar, element("span", "score", score.toFixed(2)));
    });
    find(".tags", cards[index]).replaceChildren(...rows);
    find(".none", cards[index]).textContent = tags.length ? "" : "No hashtags.";
  }
  // Screen readers say this line when it changes: for them it has the answer too.
  const spoken = answers.map((tags, index) => {
    const best = tags.slice(0, SPOKEN_HASHTAGS).map((tag) => tag.hashtag);
    return element("span", "said", ` ${ORDINALS[index]}: ${best.join(", ") || "no hashtags"}.`);
  });
  find("#status").replaceChildren(
    ...["Answered by ", element("b", "", model), ", version ", element("b", "", version)],
    ...[` at ${page.server} in `, element("b", "", `${milliseconds} ms`), ...spoken],
  );
}

document.title = find("h1").textContent = page.title;
buildPhotoSide();
for (const index of people.keys()) drawCard(index);
choose(page.gallery.length ? {key: page.gallery[0].photo, url: `photos/${page.gallery[0].photo}`} : null);
