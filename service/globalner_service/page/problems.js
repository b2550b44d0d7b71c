// Says in plain words what went wrong, and offers what helps: another try, by hand or by itself, or a field for the key.

const TRIES_BY_ITSELF = 3;
const LONGEST_WAIT_S = 60;
const WORTH_ANOTHER_TRY = new Set([0, 429, 502, 503, 504]);

/** The place of the page where problems are told. */
export class Problems {
  /**
   * @param {{place: HTMLElement, keyForm: HTMLFormElement}} parts place is an alert region
   * @param {() => void} again asks the server once more
   * @param {(key: string) => void} onKey takes a key that somebody typed
   */
  constructor({ place, keyForm }, again, onKey) {
    Object.assign(this, { place, keyForm, again, tries: 0, timer: null });
    keyForm.addEventListener("submit", (event) => {
      event.preventDefault();
      onKey(keyForm.elements.key.value.trim());
    });
  }

  /** Forgets what was told: something worked, or something new was asked for. */
  clear() {
    this.#stopWaiting();
    this.tries = 0;
    this.keyForm.hidden = true;
    this.place.replaceChildren();
  }

  /** Tells of something that another try will not help. */
  tell(message) {
    this.#stopWaiting();
    this.place.replaceChildren(notice(message));
  }

  /** Tells of an error of the server, and waits for a new try if the server said when. */
  tellError({ status, message, retryAfterS }) {
    this.tell(message);
    this.keyForm.hidden = status !== 401;
    if (status === 401) this.keyForm.elements.key.select();
    if (!WORTH_ANOTHER_TRY.has(status)) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = "Try again";
    button.addEventListener("click", () => this.#tryAgain());
    this.place.firstElementChild.append(" ", button);
    if (retryAfterS !== null && this.tries < TRIES_BY_ITSELF) this.#wait(Math.min(retryAfterS, LONGEST_WAIT_S), button);
  }

  #wait(seconds, button) {
    const waiting = document.createElement("span");
    waiting.textContent = ` Trying again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`;
    button.before(waiting, " ");
    this.timer = setTimeout(() => {
      this.tries += 1;
      this.#tryAgain();
    }, seconds * 1000);
  }

  #tryAgain() {
    this.#stopWaiting();
    this.again();
  }

  #stopWaiting() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}

function notice(message) {
  const made = document.createElement("p");
  made.className = "notice";
  made.textContent = message;
  return made;
}
