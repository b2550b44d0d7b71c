// Lays a text out and measures where its entities stand. The text stays one plain piece per line (joined scripts,
// right-to-left and copying keep working). Everything is written first and read after, in one go: a second layout per
// entity would make long texts crawl.

/**
 * Offsets of a text's code points as JavaScript counts them.
 * @param {string} text
 * @returns {Uint32Array} UTF-16 offset of each code point, and of the end
 */
export function utf16Offsets(text) {
  const offsets = new Uint32Array(text.length + 1);
  let [count, offset] = [0, 0];
  for (const character of text) {
    offset += character.length;
    offsets[(count += 1)] = offset;
  }
  return offsets.subarray(0, count + 1);
}

/**
 * Puts the lines of a text into an element.
 * @param {HTMLElement} parent
 * @param {string} text
 * @returns {object[]} one entry a line, for `measureRows`
 */
export function layLines(parent, text) {
  let start = 0;
  const lines = text.split("\n").map((content) => {
    const node = document.createTextNode(content);
    const element = document.createElement("div");
    element.className = "line";
    element.dir = "auto";
    element.append(content ? node : document.createElement("br"));
    const line = { element, node, start, end: start + content.length, rows: new Map() };
    start = line.end + 1;
    return line;
  });
  parent.replaceChildren(...lines.map(({ element }) => element));
  return lines;
}

/**
 * Finds the visual rows that spans touch, and the pieces of the spans in them. Reads only.
 * @param {object[]} lines from `layLines`, in the document
 * @param {{start: number, end: number}[]} spans UTF-16 offsets in the text, end exclusive
 * @param {DOMRect} box of the container; places are relative to it
 * @returns {object[][]} pieces of each span: `row`, and `left`, `right`, `top`, `bottom` in pixels
 */
export function measureRows(lines, spans, box) {
  const rowHeight = parseFloat(getComputedStyle(lines[0].element).lineHeight);
  for (const line of lines) line.top = line.element.getBoundingClientRect().top;
  const range = document.createRange();
  const pieces = spans.map(({ start, end }) => {
    const touched = [];
    for (let place = lineAt(lines, start); place < lines.length && lines[place].start < end; place += 1) {
      const line = lines[place];
      if (start < line.end) addPieces(touched, line, rectsOf(range, line, start, end), rowHeight, box);
    }
    return touched;
  });
  for (const line of lines) for (const row of line.rows.values()) row.end = endOfRow(range, line, row.place, rowHeight);
  return pieces;
}

/**
 * Hangs a strut into every touched row, by which the row can be made deeper: call `deepen`. Widths, and so the places
 * where the text breaks, stay as they are.
 * @returns {{strut: HTMLElement, fragments: object[], depth: number}[]} rows from top to bottom
 */
export function hangStruts(lines) {
  return lines.flatMap((line) => {
    const rows = [...line.rows.values()].sort((one, other) => one.place - other.place);
    for (const row of rows.toReversed()) {
      row.strut = document.createElement("span");
      row.strut.className = "strut";
      line.node.splitText(row.end).before(row.strut);
    }
    return rows;
  });
}

/** Makes a row so many pixels deeper than its text. */
export function deepen(row, depth) {
  if (row.depth === depth) return;
  row.depth = depth;
  row.strut.style.setProperty("--depth", `${depth}px`);
}

function lineAt(lines, offset) {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].end < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A piece for each visual row that a stretch touches, more where writing directions mix. */
function addPieces(touched, line, rects, rowHeight, box) {
  for (const { top, bottom, left, right } of rects) {
    const place = rowAt(line, (top + bottom) / 2, rowHeight);
    const last = touched.at(-1);
    const isNext = last?.row.line === line && last.row.place === place;
    const [from, to] = [left - box.left, right - box.left];
    if (isNext && from <= last.right + 1 && last.left <= to + 1) {
      Object.assign(last, { left: Math.min(from, last.left), right: Math.max(to, last.right) });
    } else if (right > left) {
      touched.push({ row: rowOf(line, place), left: from, right: to, top: top - box.top, bottom: bottom - box.top });
    }
  }
}

function rowOf(line, place) {
  if (!line.rows.has(place)) line.rows.set(place, { line, place, fragments: [], depth: 0 });
  return line.rows.get(place);
}

function rectsOf(range, line, start, end) {
  range.setStart(line.node, Math.max(start, line.start) - line.start);
  range.setEnd(line.node, Math.min(end, line.end) - line.start);
  return range.getClientRects();
}

function rowAt(line, y, rowHeight) {
  return Math.floor((y - line.top) / rowHeight);
}

/** The offset after a row's last visible character: what has no width changes no line break there. */
function endOfRow(range, line, place, rowHeight) {
  const content = line.node.data;
  let [low, high] = [0, content.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rowOfCharacter(range, line, middle, rowHeight) <= place) low = middle + 1;
    else high = middle;
  }
  return content.slice(0, low).trimEnd().length;
}

function rowOfCharacter(range, line, offset, rowHeight) {
  for (let end = offset + 1; end <= line.node.length; end += 1) {
    range.setStart(line.node, offset);
    range.setEnd(line.node, end);
    const rect = [...range.getClientRects()].at(-1);
    if (rect) return rowAt(line, (rect.top + rect.bottom) / 2, rowHeight);
  }
  return Infinity;
}
