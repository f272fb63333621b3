// The page of serving.demo. `photo` and `people` are what is asked about; whatever changes them
// calls `ask`, which shows the answer.

import {buildWorld, cities, cityNear, countryNames, homeIn, homeInWords} from "./places.js";

const page = await (await fetch("page.json")).json();

const ORDINALS = ["First person", "Second person"];
const SPOKEN_HASHTAGS = 3;
const RETRY_MILLISECONDS = 3000;
const FAILURES = {
  413: `This photo is too large: at most ${page.maxBytes / 2 ** 20} MB, please.`,
  503: "Too many people are asking at the moment. Please try again in a while.",
};
const PRESETS = {
  "She, 20, London": {age: 20, gender: "female", ...homeIn("London")},
  "He, 60, Denver": {age: 60, gender: "male", ...homeIn("Denver")},
  "She, 41, Sydney": {age: 41, gender: "female", ...homeIn("Sydney")},
  "Nothing known": {age: null, gender: null, country: null, latitude: null, longitude: null},
};

// Where the facts that every model may know are told.
const CONTROLS = {gender: ".gender", age: ".age", country: ".land", latitude: ".town, .world"};

// The model's facts by name; others are not asked for.
const facts = new Map(page.facts.map((fact) => [fact.name, fact]));
const OWN = [...facts.keys()].filter((name) => !(name in PRESETS["Nothing known"]));
const tells = (name, value) =>
  facts.has(name) && (!facts.get(name).values.length || facts.get(name).values.includes(value));
// What the model would hear of a person.
const heard = (person) =>
  Object.fromEntries(
    Object.entries(person).map(([name, value]) => [name, tells(name, value) ? value : null]),
  );

const people = Object.values(PRESETS).slice(0, ORDINALS.length).map(heard);
let photo = null; // {key, url, file, refusal}; key: on the server; file: of the visitor's own

const find = (selector, within = document) => within.querySelector(selector);

function element(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

function button(onClick, ...children) {
  const made = element("button", "", ...children);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

// Photos

function choose(chosen) {
  stopCamera();
  if (photo?.file) URL.revokeObjectURL(photo.url);
  photo = chosen;
  const image = find("#photo img");
  image.hidden = find("#remove").hidden = !photo;
  image.src = photo?.url ?? "";
  for (const one of document.querySelectorAll("#gallery button"))
    one.setAttribute("aria-pressed", String(one.dataset.photo === photo?.key));
  ask();
}

const chooseExample = (key) => choose({key, url: `photos/${key}`});

function chooseFile(file) {
  if (!file) return;
  const refusal = file.size > page.maxBytes ? FAILURES[413] : null;
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
    const thumbnail = Object.assign(element("img", ""), {src: image, alt: ""});
    const example = button(() => chooseExample(key), thumbnail);
    example.dataset.photo = key;
    example.setAttribute("aria-label", `Example photo ${index + 1}`);
    find("#gallery").append(example);
  }
}

// People

// The card of a person, whose controls show and change the facts in `people`.
function buildCard(ordinal, index) {
  const card = find("#person").content.cloneNode(true).firstElementChild;
  find("#people").append(card);
  card.classList.add(`person-${index + 1}`);
  card.setAttribute("aria-label", ordinal);
  const change = (told) => {
    people[index] = {...people[index], ...heard(told)};
    show();
    ask();
  };

  const nothing = Object.fromEntries(OWN.map((name) => [name, null]));
  for (const [label, person] of Object.entries(PRESETS))
    if (Object.entries(person).every(([name, value]) => value === null || tells(name, value)))
      find(".presets", card).append(button(() => change({...nothing, ...person}), label));
  for (const [fact, selector] of Object.entries(CONTROLS))
    for (const one of card.querySelectorAll(selector))
      one.toggleAttribute("hidden", !facts.has(fact));

  for (const gender of ["unknown", ...page.genders]) {
    const radio = element("input", "");
    Object.assign(radio, {type: "radio", name: `gender-${index}`, value: gender});
    radio.addEventListener("change", () => change({gender: gender === "unknown" ? null : gender}));
    find(".gender", card).append(element("label", "", radio, gender));
  }

  const known = find(".age-known", card);
  const number = find(".age-number", card);
  const slider = find(".age-slider", card);
  known.addEventListener("change", () => change({age: known.checked ? +slider.value : null}));
  number.addEventListener("input", () => change({age: number.value ? +number.value : null}));
  slider.addEventListener("input", () => change({age: +slider.value}));

  const country = find(".country", card);
  const city = find(".city", card);
  const nowhere = {latitude: null, longitude: null};
  for (const select of [country, city]) select.append(new Option("unknown", ""));
  for (const [code, name] of countryNames)
    if (tells("country", code)) country.append(new Option(name, code));
  for (const name of cities.map((one) => one.name).toSorted()) city.append(new Option(name));
  country.addEventListener("change", () => change({country: country.value || null, ...nowhere}));
  city.addEventListener("change", () => change(city.value ? homeIn(city.value) : nowhere));
  const showHome = buildWorld(find(".world", card), change);
  const own = OWN.map((name) => buildOwn(facts.get(name), change));
  find(".own", card).append(...own.map((input, place) => element("label", "", OWN[place], input)));

  function show() {
    const person = people[index];
    find(".who", card).textContent = inWords(person);
    find(`.gender [value="${person.gender ?? "unknown"}"]`, card).checked = true;
    known.checked = person.age !== null;
    if (number.valueAsNumber !== person.age) number.value = person.age ?? "";
    if (known.checked) slider.value = person.age;
    country.value = person.country ?? "";
    city.value = cityNear(person) ?? "";
    find(".home", card).textContent = homeInWords(person) || "unknown";
    showHome(person);
    for (const [place, input] of own.entries()) // not under the visitor's hands: "1.0" is 1
      if (input !== document.activeElement) input.value = person[OWN[place]] ?? "";
  }
  show();
  return card;
}

// The control of a fact that is the model's own.
function buildOwn({name, is_text: isText, values}, change) {
  const input = element(values.length ? "select" : "input", "");
  const choices = ["", ...values].map((one) => new Option(one || "unknown", one));
  if (values.length) input.append(...choices);
  else Object.assign(input, isText ? {type: "text"} : {type: "number", step: "any"});
  const read = () => (isText ? input.value : input.valueAsNumber);
  input.addEventListener("input", () => change({[name]: input.value ? read() : null}));
  return input;
}

// Such as "Woman, 20, London, United Kingdom".
function inWords(person) {
  const noun = {female: "Woman", male: "Man"}[person.gender] ?? "Person";
  const own = OWN.filter((name) => person[name] != null).map((name) => `${name} ${person[name]}`);
  const known = [person.age ?? "", homeInWords(person), ...own].filter((word) => word !== "");
  return known.length || person.gender ? [noun, ...known].join(", ") : "Somebody unknown";
}

// Questions

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
    if (asked.refusal) {
      showNone("Choose another photo, or drop one of your own.", asked.refusal);
    } else if (error.status) {
      showNone("No hashtags just now.", error.message);
    } else {
      showNone("No hashtags just now.", "The connection to this page is lost; it tries again.");
      retry = setTimeout(ask, RETRY_MILLISECONDS);
    }
  }
}

// Answers

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
    const others = answers.toSpliced(index, 1).flat();
    const rows = tags.map(({hashtag, score}) => {
      const only = others.every((other) => other.hashtag !== hashtag);
      const name = element("span", "name", `#${hashtag}`);
      name.dir = "auto";
      if (only) name.append(element("span", "said", ", only for this person"));
      const bar = element("span", "bar");
      bar.style.setProperty("--share", (score - low) / (high - low || 1));
      const digits = element("span", "score", score.toFixed(2));
      return element("li", only ? "tag only" : "tag", name, bar, digits);
    });
    find(".tags", cards[index]).replaceChildren(...rows);
    find(".none", cards[index]).textContent = tags.length ? "" : "No hashtags.";
  }
  // Screen readers say this line when it changes: for them it has the answer too.
  const spoken = answers.map((tags, index) => {
    const best = tags.slice(0, SPOKEN_HASHTAGS).map((tag) => tag.hashtag);
    return element("span", "said", ` ${ORDINALS[index]}: ${best.join(", ") || "no hashtags"}.`);
  });
  const bold = (text) => element("b", "", text);
  const where = `, at ${page.server} in `;
  find("#status").replaceChildren("Answered by ", bold(model), ", version ", bold(version), where);
  find("#status").append(bold(`${milliseconds} ms`), ...spoken);
}

document.title = find("h1").textContent = page.title;
buildPhotoSide();
const cards = ORDINALS.map(buildCard);
if (page.gallery.length) chooseExample(page.gallery[0].photo);
else choose(null);
