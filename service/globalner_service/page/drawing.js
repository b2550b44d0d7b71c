// Draws entities under a text: one bar per entity in lanes below the words, so that nested and crossing ones all show.
// The text stays one plain piece per line (joined scripts, right-to-left and copying keep working); bars, labels and
// tints are laid over and under it at measured places.

const LANE_HEIGHT = 19;
const BAR_GAP = 3;
const LABEL_GAP = 6;

/**
 * Offsets of a text's code points as JavaScript counts them.
 * @param {string} text
 * @returns {Uint32Array} UTF-16 offset of each code point, and of the end
 */
export function utf16Offsets(text) {
  const offsets = [0];
  let offset = 0;
  for (const character of text) {
    offset += character.length;
    offsets.push(offset);
  }
  return Uint32Array.from(offsets);
}

/**
 * Gives every fragment of one visual row a lane: an entity lies below those inside it, and nothing touches in a lane.
 * @param {{left: number, right: number, reachLeft: number, reachRight: number, length: number, lane?: number}[]} fragments
 *   bar from left to right; with its label it reaches from reachLeft to reachRight; length of the entity in characters
 * @returns {number} lanes used
 */
export function assignLanes(fragments) {
  const placed = [];
  const inner = [...fragments].sort((a, b) => a.length - b.length || a.left - b.left);
  for (const fragment of inner) {
    const contained = placed.filter((other) => other.left >= fragment.left - 1 && other.right <= fragment.right + 1);
    let lane = Math.max(-1, ...contained.map((other) => other.lane)) + 1;
    const collides = (other) =>
      other.lane === lane && other.reachLeft + 1 < fragment.reachRight && fragment.reachLeft + 1 < other.reachRight;
    while (placed.some(collides)) lane += 1;
    fragment.lane = lane;
    placed.push(fragment);
  }
  return Math.max(0, ...placed.map((fragment) => fragment.lane + 1));
}

/**
 * Fills a container with a text and its entities. Call it again when the container's width changes.
 * @param {HTMLElement} container
 * @param {string} text
 * @param {{start: number, end: number, label: string, score: number}[]} entities offsets in code points, end exclusive
 * @param {(label: string) => number} hueOf hue of a label in degrees
 */
export function draw(container, text, entities, hueOf) {
  const tints = element("div", "tints");
  const lines = element("div", "lines");
  const marks = element("div", "marks");
  tints.ariaHidden = marks.ariaHidden = "true";
  container.replaceChildren(tints, lines, marks);
  const drawnLines = addLines(lines, text);

  const offsets = utf16Offsets(text);
  const fragments = entities.flatMap((entity, number) =>
    fragmentsOf(drawnLines, offsets[entity.start], offsets[entity.end]).map((piece, index) => ({
      ...piece, entity, number, length: entity.end - entity.start, label: index === 0 ? labelOf(entity) : null,
    })),
  );
  for (const { label, number, entity } of fragments) if (label) paint(marks, label, number, hueOf(entity.label));
  const box = container.getBoundingClientRect();
  placeLabels(fragments, box);
  makeRoom(drawnLines, fragments);
  place(fragments, tints, marks, box, hueOf);
}

/** Lights up one entity, or none. */
export function highlight(root, number) {
  for (const part of root.querySelectorAll("[data-entity]")) {
    part.classList.toggle("active", part.dataset.entity === number);
  }
}

function element(tag, className, content = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = content;
  return made;
}

function addLines(parent, text) {
  let start = 0;
  const drawnLines = text.split("\n").map((content) => {
    const node = document.createTextNode(content);
    const line = element("div", "line");
    line.dir = "auto";
    line.append(content ? node : document.createElement("br"));
    parent.append(line);
    const drawn = { line, node, start, end: start + content.length };
    start = drawn.end + 1;
    return drawn;
  });
  for (const drawn of drawnLines) {
    drawn.top = drawn.line.getBoundingClientRect().top;
    drawn.rowHeight = parseFloat(getComputedStyle(drawn.line).lineHeight);
  }
  return drawnLines;
}

/** The pieces of a stretch: one for each visual row that it touches, more where writing directions mix. */
function fragmentsOf(drawnLines, start, end) {
  const pieces = [];
  for (const drawn of drawnLines.filter((one) => one.start < end && start < one.end)) {
    const from = Math.max(start, drawn.start) - drawn.start;
    for (const { top, bottom, left, right } of rectsOf(drawn.node, from, Math.min(end, drawn.end) - drawn.start)) {
      const row = rowAt(drawn, (top + bottom) / 2);
      const last = pieces.at(-1);
      const touches = last?.drawn === drawn && last.row === row && left <= last.right + 1 && last.left <= right + 1;
      if (touches) Object.assign(last, { left: Math.min(left, last.left), right: Math.max(right, last.right) });
      else if (right > left) pieces.push({ drawn, row, top, bottom, left, right });
    }
  }
  return pieces;
}

function rectsOf(node, from, to) {
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to);
  return Array.from(range.getClientRects());
}

function rowAt(drawn, y) {
  return Math.floor((y - drawn.top) / drawn.rowHeight);
}

function labelOf(entity) {
  const label = element("span", "mark-label");
  label.append(element("b", "", entity.label), element("span", "mark-score", ` ${entity.score.toFixed(2)}`));
  return label;
}

function placeLabels(fragments, box) {
  for (const fragment of fragments) {
    const width = fragment.label ? fragment.label.offsetWidth : 0;
    const wanted = getComputedStyle(fragment.drawn.line).direction === "rtl" ? fragment.right - width : fragment.left;
    fragment.labelLeft = Math.max(box.left, Math.min(wanted, box.right - width));
    fragment.reachLeft = Math.min(fragment.left, fragment.labelLeft);
    fragment.reachRight = Math.max(fragment.right, fragment.labelLeft + width + (width ? LABEL_GAP : 0));
  }
}

/**
 * Assigns lanes row by row, makes each row as deep as its lanes need, and says how far rows moved down.
 * Widths, and so the places where the text breaks, stay as they were.
 */
function makeRoom(drawnLines, fragments) {
  const struts = [];
  let moved = 0;
  for (const drawn of drawnLines) {
    const rows = Map.groupBy(fragments.filter((fragment) => fragment.drawn === drawn), (fragment) => fragment.row);
    for (const row of [...rows.keys()].sort((a, b) => a - b)) {
      for (const fragment of rows.get(row)) fragment.moved = moved;
      const depth = assignLanes(rows.get(row)) * LANE_HEIGHT;
      struts.push({ node: drawn.node, offset: endOfRow(drawn, row), depth });
      moved += depth;
    }
  }
  for (const { node, offset, depth } of struts.reverse()) {
    const strut = element("span", "strut");
    strut.style.setProperty("--depth", `${depth}px`);
    node.splitText(offset).before(strut);
  }
}

/** The offset after a row's last visible character: what has no width changes no line break there. */
function endOfRow(drawn, row) {
  const content = drawn.node.data;
  let [low, high] = [0, content.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rowOfCharacter(drawn, middle) <= row) low = middle + 1;
    else high = middle;
  }
  return content.slice(0, low).trimEnd().length;
}

function rowOfCharacter(drawn, offset) {
  for (let end = offset + 1; end <= drawn.node.length; end += 1) {
    const rect = rectsOf(drawn.node, offset, end).at(-1);
    if (rect) return rowAt(drawn, (rect.top + rect.bottom) / 2);
  }
  return Infinity;
}

function place(fragments, tints, marks, box, hueOf) {
  for (const { number, entity, lane, label, labelLeft, moved, top, bottom, left, right } of fragments) {
    const barTop = bottom - box.top + moved + BAR_GAP + lane * LANE_HEIGHT;
    const margin = 1 + Math.min(lane, 3);
    const bar = element("span", "mark-bar");
    const tint = element("span", "tint");
    move(bar, left - box.left + 1, barTop, Math.max(2, right - left - 2));
    move(tint, left - box.left, top - box.top + moved - margin, right - left, bottom - top + 2 * margin);
    paint(marks, bar, number, hueOf(entity.label));
    paint(tints, tint, number, hueOf(entity.label));
    if (label) move(label, labelLeft - box.left, barTop + 3);
  }
}

function paint(parent, part, number, hue) {
  part.dataset.entity = String(number);
  part.style.setProperty("--hue", String(hue));
  parent.append(part);
}

function move(part, left, top, width, height) {
  part.style.left = `${left}px`;
  part.style.top = `${top}px`;
  if (width !== undefined) part.style.width = `${width}px`;
  if (height !== undefined) part.style.height = `${height}px`;
}
