// Flat decoding in the browser: the same problem, and the same answer to the bit, as globalner/decoding/flat.py.

const FRACTION_BITS = 52;
const EXPONENT_BIAS = 1023;

/**
 * Of the spans strictly above the threshold of their type, the set without overlap whose sum of (logit - threshold) is
 * greatest. Touching spans do not overlap. Of several such sets: the fewest spans, then the one whose (smaller start,
 * larger end, smaller type) come first. Sums are exact, so no rounding decides.
 * @param {{start: number, end: number, type: number, logit: number}[]} spans start inclusive, end exclusive, in any order;
 *   of repeated ones the highest logit counts
 * @param {number[]} thresholds logit for each type
 * @returns {object[]} the chosen ones among `spans`, by ascending start
 */
export function flatSpans(spans, thresholds) {
  const candidates = inOrder(spans.filter(({ logit, type }) => logit > thresholds[type]));
  const worths = exactWorths(candidates, thresholds);
  const following = candidates.map(({ end }) => firstStartingAt(candidates, end));
  const best = new Array(candidates.length + 1).fill(0n);
  const taken = [];
  for (let position = candidates.length - 1; position >= 0; position -= 1) {
    const withIt = worths[position] + best[following[position]];
    // Where both are worth the same, taking wins: its key comes before those of all later spans.
    taken[position] = withIt >= best[position + 1];
    best[position] = taken[position] ? withIt : best[position + 1];
  }
  const chain = [];
  for (let position = 0; position < candidates.length; position = taken[position] ? following[position] : position + 1) {
    if (taken[position]) chain.push(candidates[position]);
  }
  return chain;
}

/** The logit of a score strictly between 0 and 1. */
export function logitOf(score) {
  return Math.log(score) - Math.log1p(-score);
}

function inOrder(spans) {
  const sorted = spans.sort((a, b) => a.start - b.start || b.end - a.end || a.type - b.type || b.logit - a.logit);
  const isNew = (span, before) =>
    !before || span.start !== before.start || span.end !== before.end || span.type !== before.type;
  return sorted.filter((span, position) => isNew(span, sorted[position - 1]));
}

function firstStartingAt(ordered, offset) {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ordered[middle].start < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Integers that compare sets by their exact sum first and by fewer spans second. */
function exactWorths(candidates, thresholds) {
  const parts = candidates.map(({ logit, type }) => [binaryParts(logit), binaryParts(thresholds[type])]);
  const lowest = Math.min(...parts.flat().map(({ exponent }) => exponent));
  const scaled = ({ integer, exponent }) => integer << BigInt(exponent - lowest);
  const step = BigInt(candidates.length + 1);
  return parts.map(([gain, price]) => (scaled(gain) - scaled(price)) * step - 1n);
}

/** A finite double as integer * 2 ** exponent. */
function binaryParts(value) {
  if (!Number.isFinite(value)) throw new RangeError(`flat decoding needs finite logits; got ${value}`);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponentBits = Number((bits >> BigInt(FRACTION_BITS)) & 0x7ffn);
  const fraction = bits & ((1n << BigInt(FRACTION_BITS)) - 1n);
  const magnitude = exponentBits ? fraction | (1n << BigInt(FRACTION_BITS)) : fraction;
  return {
    integer: bits >> 63n ? -magnitude : magnitude,
    exponent: Math.max(exponentBits, 1) - EXPONENT_BIAS - FRACTION_BITS,
  };
}
