// The page to try the model: asks the server this page came from once a text, and shows the answer in many ways.

import { LOWEST_SCORE, choose, floorFor } from "./choosing.js";
import { copyAndSay } from "./clipboard.js";
import { Details, numberOf } from "./details.js";
import { Drawing } from "./drawing.js";
import { fragmentOf, readFragment } from "./permalink.js";
import { Problems } from "./problems.js";
import { LabelSwitches, Table, limitNotice, summary } from "./results.js";
import { fetchEntities, fetchInfo, useApiKey } from "./server.js";
import { TextInput } from "./text_input.js";
import { ThresholdSlider } from "./threshold.js";

const WAIT_FOR_MODEL_MS = 1500;
const MAX_ENTITIES = 2000;
const HUE_STEP = 137.5;

const byId = (id) => document.getElementById(id);
const form = byId("form");
const results = byId("results");

// `view` is what a link holds; mode and threshold are null until somebody chooses: the model's own.
const view = { mode: null, threshold: null, hidden: new Set() };
const state = { labels: [], ownThresholds: {}, ownMode: null, answer: null, shown: [], asked: null, frame: 0 };
const known = Promise.withResolvers();

function hueOf(label) {
  return (250 + state.labels.indexOf(label) * HUE_STEP) % 360;
}

const drawing = new Drawing(byId("drawing"), hueOf);
const details = new Details({ root: results, box: byId("details"), drawing });
const table = new Table({ body: byId("rows"), more: byId("more") }, hueOf);
const switches = new LabelSwitches(byId("labels"), hueOf, (hidden) => change({ hidden }));
const slider = new ThresholdSlider(
  { input: byId("threshold"), output: byId("threshold-value"), reset: byId("threshold-reset") },
  LOWEST_SCORE,
  (threshold) => change({ threshold }),
);
const problems = new Problems({ place: byId("error"), keyForm: byId("key-form") }, tryAgain, (key) => {
  useApiKey(key);
  tryAgain();
});
const input = new TextInput(
  { box: byId("text"), count: byId("count"), zone: byId("form"), file: byId("file"), examples: byId("examples") },
  extract,
  (message) => {
    forget();
    problems.tell(message);
  },
);

async function learnAboutServer() {
  clearTimeout(state.timer);
  let isReady = false;
  try {
    const info = await fetchInfo();
    isReady = info.ready;
    input.limit(info.limits.max_text_chars);
    if (info.description) learnModel(info);
    const count = `${state.labels.length} ${state.labels.length === 1 ? "label" : "labels"}`;
    byId("served").textContent = isReady ? `${info.model} · ${count}` : "The model is loading…";
    byId("served").title = state.labels.join(", ");
  } catch (error) {
    byId("served").textContent = error.status === 401 ? "An API key is needed" : "The server cannot be reached";
    if (error.status === 401) return problems.tellError(error);
  }
  byId("served").dataset.ready = String(isReady);
  if (!isReady) state.timer = setTimeout(learnAboutServer, WAIT_FOR_MODEL_MS);
  return undefined;
}

function learnModel({ labels, description }) {
  state.labels = [...labels];
  state.ownMode = description.mode === "flat" ? "flat" : "nested";
  state.ownThresholds = description.thresholds ?? {};
  slider.own(Object.values(state.ownThresholds));
  showView();
  known.resolve();
}

function tryAgain() {
  if (byId("served").dataset.ready !== "true") learnAboutServer();
  if (input.text.trim()) ask();
  else problems.clear();
}

/** Something new is asked for. */
function extract() {
  problems.clear();
  if (input.text.trim()) return ask();
  forget();
  return byId("text").focus();
}

async function ask() {
  state.asked?.abort();
  const asked = (state.asked = new AbortController());
  const text = input.text;
  busy(true);
  try {
    const floor = floorFor(state.ownThresholds);
    const result = await fetchEntities(text, floor, MAX_ENTITIES, asked.signal);
    await known.promise;
    if (asked.signal.aborted) return;
    if (floorFor(state.ownThresholds) < floor) await ask();
    else show(text, result);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === undefined) throw error;
    forget();
    problems.tellError(error);
  } finally {
    if (state.asked === asked) busy(false);
  }
}

function busy(is) {
  results.ariaBusy = String(is);
  byId("extract").classList.toggle("busy", is);
  byId("extract").firstElementChild.textContent = is ? "Reading…" : "Find entities";
}

function forget() {
  state.asked?.abort();
  state.answer = null;
  for (const part of results.querySelectorAll("[data-answer]")) part.hidden = true;
  byId("empty").hidden = false;
  byId("summary").textContent = "";
  busy(false);
}

function show(text, result) {
  const found = new Set(result.entities.map(({ label }) => label));
  for (const label of found) if (!state.labels.includes(label)) state.labels.push(label);
  state.answer = { text, ...result };
  problems.clear();
  for (const part of results.querySelectorAll("[data-answer]")) part.hidden = false;
  byId("empty").hidden = true;
  byId("limited").textContent = limitNotice(result);
  byId("limited").hidden = !result.limited;
  switches.read(state.labels.filter((label) => found.has(label) || view.hidden.has(label)), view.hidden);
  table.read(result.entities);
  drawing.read(text, result.entities);
  refresh();
}

/** Shows the answer as the view asks. */
function refresh() {
  const { answer, labels, ownThresholds } = state;
  if (!answer) return;
  state.shown = choose(answer.entities, { ...view, mode: view.mode ?? state.ownMode }, labels, ownThresholds);
  drawing.show(state.shown);
  details.refresh();
  table.show(state.shown);
  byId("list").hidden = state.shown.length === 0;
  byId("labels-row").hidden = switches.counts.size === 0;
  switches.count(state.shown.map((position) => answer.entities[position].label));
  byId("summary").textContent = summary(state.shown, answer);
}

/** Takes what somebody chose; many changes within one frame of the screen are drawn once. */
function change(chosen) {
  Object.assign(view, chosen);
  cancelAnimationFrame(state.frame);
  state.frame = requestAnimationFrame(async () => {
    refresh();
    history.replaceState(null, "", `#${await fragmentOf(view)}`);
  });
}

function showView() {
  const mode = view.mode ?? state.ownMode;
  if (mode) form.elements.mode.value = mode;
  slider.show(view.threshold);
}

/** Takes up what the address says; a text in it is read at once. */
async function followLink() {
  try {
    const { text, ...linked } = await readFragment(location.hash.slice(1));
    Object.assign(view, linked);
    showView();
    if (text === null) return state.answer && show(state.answer.text, state.answer);
    input.text = text;
    return extract();
  } catch (error) {
    return problems.tell(`This link cannot be followed: ${error.message}.`);
  }
}

async function copyLink() {
  const text = byId("with-text").checked ? state.answer.text : "";
  const address = new URL(location.href);
  address.hash = await fragmentOf({ ...view, mode: view.mode ?? state.ownMode }, text);
  await copyAndSay(address.href, byId("copy-link"));
}

function copyJson() {
  const { text, entities, windows, limited } = state.answer;
  const shown = state.shown.map((position) => entities[position]);
  const threshold = view.threshold ?? state.ownThresholds;
  const answer = { text, entities: shown, windows, limited, mode: view.mode ?? state.ownMode, threshold };
  return copyAndSay(JSON.stringify(answer, null, 2), byId("copy"));
}

function watchWidth() {
  const isStale = () => state.answer && drawing.container.clientWidth && drawing.container.clientWidth !== drawing.width;
  const redraw = () => {
    if (!isStale()) return;
    drawing.read(state.answer.text, state.answer.entities);
    drawing.show(state.shown);
    details.refresh();
  };
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(drawing.container);
}

function listen() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    extract();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "mode") change({ mode: event.target.value });
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) extract();
  });
  byId("list").addEventListener("pointerover", (event) => details.highlight(numberOf(event.target)));
  byId("list").addEventListener("pointerleave", () => details.highlight(null));
  byId("copy").addEventListener("click", copyJson);
  byId("copy-link").addEventListener("click", copyLink);
  window.addEventListener("hashchange", followLink);
}

function start() {
  if (/Mac|iPhone|iPad/.test(navigator.userAgent)) byId("shortcut").textContent = "⌘ ⏎";
  listen();
  watchWidth();
  learnAboutServer();
  if (location.hash.length > 1) followLink();
}

start();
