// What the page shows as a fragment of its address, and back. A fragment never travels to a server.

const MODES = ["nested", "flat"];
const MAX_TEXT_BYTES = 8 * 2 ** 20;

/**
 * @param {{mode: string|null, threshold: number|null, hidden: Iterable<string>}} view
 * @param {string} [text] only where somebody asks for a link with the text in it
 * @returns {Promise<string>} without `#`; empty where there is nothing to say
 */
export async function fragmentOf({ mode, threshold, hidden }, text = "") {
  const parts = new URLSearchParams();
  if (mode) parts.set("mode", mode);
  if (threshold !== null) parts.set("threshold", threshold.toFixed(2));
  for (const label of [...hidden].sort()) parts.append("hide", label);
  if (text) parts.set("text", await packed(text));
  return parts.toString();
}

/**
 * @param {string} fragment without `#`
 * @returns {Promise<{mode: string|null, threshold: number|null, hidden: Set<string>, text: string|null}>}
 * @throws {Error} whose message says what is wrong with the link
 */
export async function readFragment(fragment) {
  const parts = new URLSearchParams(fragment);
  const mode = parts.get("mode");
  if (mode !== null && !MODES.includes(mode)) throw new Error(`it names the mode “${mode.slice(0, 40)}”`);
  const threshold = parts.has("threshold") ? Number(parts.get("threshold") || NaN) : null;
  if (threshold !== null && !(threshold > 0 && threshold < 1)) throw new Error("its threshold is not between 0 and 1");
  const text = parts.has("text") ? await unpacked(parts.get("text")) : null;
  return { mode, threshold, hidden: new Set(parts.getAll("hide")), text };
}

async function packed(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function unpacked(content) {
  try {
    const characters = atob(content.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(characters, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return await readText(stream.getReader());
  } catch (error) {
    throw new Error(error instanceof RangeError ? error.message : "the text in it is damaged or cut off");
  }
}

// Counted while it grows: a short link can hold a text that would fill the memory.
async function readText(reader) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let [text, size] = ["", 0];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > MAX_TEXT_BYTES) {
      await reader.cancel();
      throw new RangeError("the text in it is too large");
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
