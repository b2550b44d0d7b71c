// The page to try the model: asks the server this page came from, and shows the answer.

import { draw, highlight } from "./drawing.js";

const EXAMPLES = [
  ["University", "Professor Mara Lindqvist left the University of Lisbon on 3 May 2024."],
  ["Company", "Lightwave (Toronto) Ltd. paid $2.4 million for the Nova 12 Pro, said its chief executive officer, Jonas Weber."],
  ["医院", "北京大学第三医院院长林晓雯于2024年5月3日在上海会见了王芳教授。"],
  ["公司", "杭州云帆科技有限公司首席执行官王子涵在深圳发布了星河9 Pro，售价3999元。"],
];
const WAIT_FOR_MODEL_MS = 1500;
const COPIED_MS = 1600;

const byId = (id) => document.getElementById(id);
const form = byId("form");
const text = byId("text");
const drawing = byId("drawing");
const number = new Intl.NumberFormat("en");

const state = { labels: [], maxChars: Infinity, ready: false, asked: null, answer: null, drawnWidth: 0 };

function hueOf(label) {
  if (!state.labels.includes(label)) state.labels.push(label);
  return (250 + state.labels.indexOf(label) * 137.5) % 360;
}

async function learnAboutServer() {
  try {
    const info = await (await fetch("info")).json();
    state.maxChars = info.limits.max_text_chars;
    state.labels = info.labels ?? [];
    state.ready = info.ready;
    if (info.description) selectMode(info.description.mode);
    byId("served").textContent = info.ready
      ? `${info.model} · ${state.labels.length} ${state.labels.length === 1 ? "label" : "labels"}`
      : "The model is loading…";
    byId("served").title = state.labels.join(", ");
  } catch {
    byId("served").textContent = "The server cannot be reached";
  }
  showCount();
  byId("served").dataset.ready = String(state.ready);
  if (!state.ready) setTimeout(learnAboutServer, WAIT_FOR_MODEL_MS);
}

function showCount() {
  const chars = Array.from(text.value).length;
  const limit = Number.isFinite(state.maxChars) && chars > state.maxChars / 2 ? ` of ${number.format(state.maxChars)}` : "";
  byId("count").textContent = chars ? `${number.format(chars)}${limit} ${chars === 1 ? "character" : "characters"}` : "";
  byId("count").classList.toggle("over", chars > state.maxChars);
}

// null until somebody has chosen one or the server has told the model's own; a request with null gets the model's own.
function mode() {
  return new FormData(form).get("mode");
}

function selectMode(own) {
  if (mode() === null) form.elements.mode.value = own === "flat" ? "flat" : "nested";
}

async function extract() {
  if (!text.value.trim()) {
    forget();
    text.focus();
    return;
  }
  state.asked?.abort();
  const asked = (state.asked = new AbortController());
  const sent = text.value;
  busy(true);
  try {
    const response = await fetch("v1/extract", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ texts: [sent], mode: mode() }),
      signal: asked.signal,
    });
    const answer = await response.json();
    if (response.ok) show(sent, answer.results[0]);
    else showError(answer.error.message);
  } catch (error) {
    if (error.name === "AbortError") return;
    showError(error instanceof SyntaxError ? "the server's answer could not be read" : "the server cannot be reached; is it still running?");
  } finally {
    if (state.asked === asked) busy(false);
  }
}

function busy(is) {
  byId("results").ariaBusy = String(is);
  byId("extract").classList.toggle("busy", is);
  byId("extract").firstElementChild.textContent = is ? "Reading…" : "Find entities";
}

function forget() {
  state.asked?.abort();
  state.answer = null;
  byId("error").replaceChildren();
  for (const id of ["drawing", "list", "copy"]) byId(id).hidden = true;
  byId("empty").hidden = false;
  byId("summary").textContent = "";
  busy(false);
}

function showError(message) {
  const notice = document.createElement("p");
  const plain = message.replace(/^texts\[0\]/, "the text");
  notice.className = "notice";
  notice.textContent = plain.charAt(0).toUpperCase() + plain.slice(1) + (/[.!?]$/.test(plain) ? "" : ".");
  forget();
  byId("error").replaceChildren(notice);
}

function show(sent, result) {
  state.answer = { text: sent, ...result };
  byId("error").replaceChildren();
  for (const id of ["drawing", "list", "copy"]) byId(id).hidden = false;
  byId("empty").hidden = true;
  byId("list").hidden = result.entities.length === 0;
  byId("summary").textContent = summary(result);
  byId("rows").replaceChildren(...result.entities.map(rowOf));
  redraw();
}

function summary({ entities, windows, limited }) {
  if (!entities.length) return "None found";
  const found = `${number.format(entities.length)} found`;
  return found + (windows > 1 ? ` in ${number.format(windows)} windows` : "") + (limited ? ", those with the highest scores only" : "");
}

function rowOf(entity, position) {
  const row = document.createElement("tr");
  const label = document.createElement("span");
  label.className = "label";
  label.textContent = entity.label;
  label.style.setProperty("--hue", String(hueOf(entity.label)));
  row.dataset.entity = String(position);
  row.insertCell().append(label);
  const words = row.insertCell();
  words.className = "words";
  words.textContent = entity.text;
  words.dir = "auto";
  for (const value of [entity.start, entity.end, entity.score.toFixed(3)]) {
    const cell = row.insertCell();
    cell.className = "number";
    cell.textContent = String(value);
  }
  return row;
}

function redraw() {
  if (!state.answer) return;
  state.drawnWidth = drawing.clientWidth;
  draw(drawing, state.answer.text, state.answer.entities, hueOf);
}

async function copy() {
  const json = JSON.stringify(state.answer, null, 2);
  try {
    await navigator.clipboard.writeText(json);
  } catch {
    copyTheOldWay(json);
  }
  byId("copy").textContent = "Copied";
  setTimeout(() => (byId("copy").textContent = "Copy JSON"), COPIED_MS);
}

// The clipboard interface exists on https and localhost only.
function copyTheOldWay(content) {
  const carrier = document.createElement("textarea");
  carrier.value = content;
  carrier.className = "visually-hidden";
  document.body.append(carrier);
  carrier.select();
  document.execCommand("copy");
  carrier.remove();
}

function exampleButton([name, content]) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = name;
  button.addEventListener("click", () => {
    text.value = content;
    showCount();
    extract();
  });
  return button;
}

function watchWidth() {
  const needsRedraw = () => drawing.clientWidth && drawing.clientWidth !== state.drawnWidth;
  new ResizeObserver(() => requestAnimationFrame(() => needsRedraw() && redraw())).observe(drawing);
}

function start() {
  if (/Mac|iPhone|iPad/.test(navigator.userAgent)) byId("shortcut").textContent = "⌘ ⏎";
  byId("examples").replaceChildren(...EXAMPLES.map(exampleButton));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    extract();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "mode" && state.answer) extract();
  });
  text.addEventListener("input", showCount);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) extract();
  });
  byId("results").addEventListener("pointerover", (event) => {
    highlight(byId("results"), event.target.closest("[data-entity]")?.dataset.entity);
  });
  byId("results").addEventListener("pointerleave", () => highlight(byId("results"), undefined));
  byId("copy").addEventListener("click", copy);
  watchWidth();
  showCount();
  learnAboutServer();
}

start();
