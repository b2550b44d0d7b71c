// The server this page came from: what it serves, and the entities of a text. Every failure becomes one ServerError.

const PLAIN_WORDS = {
  401: "This server asks for an API key.",
  413: "The text is larger than the server takes.",
  429: "The server has too much to do right now.",
  502: "The server is away right now.",
  503: "The server takes no work right now.",
  504: "The server did not answer in time.",
};

// Kept in memory only: a key is gone with the tab.
let apiKey = "";

/** Why the server gave no answer: `status` is 0 where it could not be reached, `retryAfterS` null where none was told. */
export class ServerError extends Error {
  constructor(status, message, retryAfterS = null) {
    super(message);
    this.name = "ServerError";
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Sends this key with every request from now on; an empty one sends none. */
export function useApiKey(key) {
  apiKey = key;
}

/** What `/info` says. */
export function fetchInfo() {
  return ask("info", {});
}

/**
 * Every entity above a low score, nested, so that the page can choose among them by itself.
 * @param {string} text
 * @param {number} floor score above which the server tells of an entity
 * @param {number} maxEntities the server keeps at most so many, highest scores first
 * @param {AbortSignal} signal
 * @returns {Promise<{entities: object[], windows: number, limited: boolean}>} offsets in code points, end exclusive
 */
export async function fetchEntities(text, floor, maxEntities, signal) {
  const question = { texts: [text], mode: "nested", threshold: floor, max_entities: maxEntities };
  const body = JSON.stringify(question);
  const answer = await ask("v1/extract", { method: "POST", body, signal, headers: { "Content-Type": "application/json" } });
  return answer.results[0];
}

async function ask(address, request) {
  const headers = { Accept: "application/json", ...request.headers };
  if (apiKey) headers.Authorization = `Bearer ${apiKey}`;
  const response = await reach(address, { ...request, headers });
  const answer = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return null;
  });
  if (response.ok && answer !== null) return answer;
  throw new ServerError(response.status, explanation(response, answer), waitingTime(response));
}

// An address with a user and a key in it (http://user:key@host) opens the page, but `fetch` takes none relative to it.
async function reach(address, request) {
  try {
    return await fetch(new URL(address, location.origin + location.pathname), request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (apiKey && /[^\x20-\xff]/.test(apiKey)) throw new ServerError(401, "An API key has no such characters.");
    throw new ServerError(0, "The server cannot be reached; is it still running?");
  }
}

/** The plain words for a status, and what the server adds: a proxy in between may answer with something else than JSON. */
function explanation(response, answer) {
  const told = answer?.error?.message;
  const plain = PLAIN_WORDS[response.status];
  if (response.status === 401) return plain;
  if (typeof told !== "string") return plain ?? "The server's answer could not be read.";
  const sentence = asSentence(told.replace(/^texts\[0\]/, "the text"));
  return plain && response.status !== 413 ? `${plain} It says: ${sentence}` : sentence;
}

function asSentence(message) {
  return message.charAt(0).toUpperCase() + message.slice(1) + (/[.!?]$/.test(message) ? "" : ".");
}

function waitingTime(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
