// Draws entities under a text: one bar per entity in lanes below the words, so that nested and crossing ones all show.
// A text is measured once; which entities show can then change as fast as a slider moves.

import { assignLanes } from "./lanes.js";
import { deepen, hangStruts, layLines, measureRows, utf16Offsets } from "./measuring.js";

const LANE_HEIGHT = 19;
const BAR_GAP = 3;
const LABEL_GAP = 6;
const LABEL_DROP = 4;

/** A text with its entities in an element. Entities go by their position in the list that `read` was given. */
export class Drawing {
  /**
   * @param {HTMLElement} container
   * @param {(label: string) => number} hueOf hue of a label in degrees
   */
  constructor(container, hueOf) {
    this.container = container;
    this.hueOf = hueOf;
    this.width = 0;
    this.shown = [];
    const layer = (className) => container.appendChild(element("div", className));
    [this.tints, this.bars, this.lines, this.marks] = ["tints", "bars", "lines", "marks"].map(layer);
    this.tints.ariaHidden = this.bars.ariaHidden = "true";
    this.marks.setAttribute("aria-label", "Entities in the text; arrow keys go from one to the next");
  }

  /**
   * Lays the text out and measures every entity. Again when the container's width changes; `show` comes after.
   * @param {string} text
   * @param {{start: number, end: number, label: string, score: number}[]} entities offsets in code points, end exclusive
   */
  read(text, entities) {
    const lines = layLines(this.lines, text);
    const labels = new Map(entities.map(({ label }) => [label, labelOf({ label, score: 0 })]));
    this.marks.replaceChildren(...labels.values());
    const box = this.container.getBoundingClientRect();
    this.width = this.container.clientWidth;
    const widths = new Map([...labels].map(([label, { offsetWidth }]) => [label, offsetWidth]));
    const offsets = utf16Offsets(text);
    const spans = entities.map(({ start, end }) => ({ start: offsets[start], end: offsets[end] }));
    const pieces = measureRows(lines, spans, box);
    for (const line of lines) line.isRightToLeft = line.rows.size > 0 && getComputedStyle(line.element).direction === "rtl";
    this.entities = entities;
    this.fragments = pieces.map((touched, number) => this.#fragmentsOf(touched, number, widths, box.width));
    this.rows = hangStruts(lines);
    this.made = new Map();
  }

  /** Shows these entities and no others. Writes only. */
  show(numbers) {
    const wanted = new Set(numbers);
    let moved = 0;
    for (const row of this.rows) {
      const visible = row.fragments.filter(({ number }) => wanted.has(number));
      for (const fragment of visible) fragment.moved = moved;
      deepen(row, assignLanes(visible) * LANE_HEIGHT);
      moved += row.depth;
    }
    this.shown = numbers.filter((number) => this.fragments[number].length);
    const parts = this.shown.map((number) => this.#placed(number));
    this.tints.replaceChildren(...parts.flatMap(({ tints }) => tints));
    this.bars.replaceChildren(...parts.flatMap(({ bars }) => bars));
    this.marks.replaceChildren(...parts.map(({ mark }) => mark));
    if (parts.length) this.marks.setAttribute("role", "listbox");
    else this.marks.removeAttribute("role");
  }

  /** The mark of a shown entity, which can take the focus. */
  markOf(number) {
    return this.made.get(number)?.mark;
  }

  /** Where the details of a shown entity fit, relative to the container: left, top of the row and bottom of its bar. */
  placeOf(number) {
    const fragment = this.fragments[number][0];
    return { left: fragment.left, top: fragment.top + fragment.moved, bottom: barTop(fragment) + LANE_HEIGHT };
  }

  /** The innermost shown entity whose words lie at a point of the viewport; undefined where there is none. */
  entityAt(x, y) {
    const box = this.container.getBoundingClientRect();
    const [left, top] = [x - box.left, y - box.top];
    const isThere = (one) =>
      one.left <= left && left <= one.right && one.top + one.moved <= top && top <= one.bottom + one.moved;
    const found = this.shown.filter((number) => this.fragments[number].some(isThere));
    return found.sort((one, other) => this.fragments[one][0].length - this.fragments[other][0].length)[0];
  }

  #fragmentsOf(pieces, number, widths, fullWidth) {
    const { start, end, label } = this.entities[number];
    return pieces.map((piece, index) => {
      const width = index === 0 ? widths.get(label) : 0;
      const wanted = piece.row.line.isRightToLeft ? piece.right - width : piece.left;
      const labelLeft = Math.max(0, Math.min(wanted, fullWidth - width));
      const reachRight = Math.max(piece.right, labelLeft + width + (width ? LABEL_GAP : 0));
      const fragment = { ...piece, number, length: end - start, labelLeft, reachLeft: Math.min(piece.left, labelLeft), reachRight };
      piece.row.fragments.push(fragment);
      return fragment;
    });
  }

  #placed(number) {
    if (!this.made.has(number)) this.made.set(number, this.#make(number));
    const made = this.made.get(number);
    for (const [index, fragment] of this.fragments[number].entries()) {
      const { left, right, top, bottom, moved, lane } = fragment;
      const margin = 1 + Math.min(lane, 3);
      move(made.bars[index], left + 1, barTop(fragment), Math.max(2, right - left - 2));
      move(made.tints[index], left, top + moved - margin, right - left, bottom - top + 2 * margin);
    }
    const [first] = this.fragments[number];
    const width = Math.min(first.reachRight, this.width) - first.reachLeft;
    move(made.mark, first.reachLeft, barTop(first) - 1, width, LANE_HEIGHT - 1);
    return made;
  }

  #make(number) {
    const entity = this.entities[number];
    const [first] = this.fragments[number];
    const part = (className) => this.#painted(element("span", className), number);
    const mark = part("mark");
    const label = this.#painted(labelOf(entity), number);
    mark.setAttribute("role", "option");
    mark.setAttribute("aria-label", description(entity));
    mark.tabIndex = -1;
    label.style.left = `${first.labelLeft - first.reachLeft}px`;
    label.style.top = `${LABEL_DROP}px`;
    mark.append(label);
    const pieces = this.fragments[number];
    return { mark, bars: pieces.map(() => part("mark-bar")), tints: pieces.map(() => part("tint")) };
  }

  #painted(made, number) {
    made.dataset.entity = String(number);
    made.style.setProperty("--hue", String(this.hueOf(this.entities[number].label)));
    return made;
  }
}

/** An entity in words, for those who hear it. */
export function description({ label, text, score, start, end }) {
  return `${label}: ${text}, score ${score.toFixed(3)}, characters ${start} to ${end}`;
}

function barTop({ bottom, moved, lane }) {
  return bottom + moved + BAR_GAP + lane * LANE_HEIGHT;
}

function labelOf({ label, score }) {
  const made = element("span", "mark-label");
  made.append(element("b", "", label), element("span", "mark-score", ` ${score.toFixed(2)}`));
  return made;
}

function element(tag, className, content = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = content;
  return made;
}

function move(part, left, top, width, height) {
  part.style.left = `${left}px`;
  part.style.top = `${top}px`;
  part.style.width = `${width}px`;
  if (height !== undefined) part.style.height = `${height}px`;
}
