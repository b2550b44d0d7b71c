// Score and offsets of the entity under the pointer or the focus, and the way through the entities by keyboard.

const GAP = 4;

/** Joins a drawing, its table and the box that shows details. */
export class Details {
  /**
   * @param {{root: HTMLElement, box: HTMLElement, drawing: import("./drawing.js").Drawing}} parts
   *   root holds drawing and table; box lies in the drawing's container
   */
  constructor({ root, box, drawing }) {
    Object.assign(this, { root, box, drawing, current: null });
    drawing.container.addEventListener("pointermove", (event) => this.#over(event));
    drawing.container.addEventListener("pointerdown", (event) => this.#over(event));
    drawing.container.addEventListener("pointerleave", () => this.#settle());
    drawing.marks.addEventListener("keydown", (event) => this.#onKey(event));
    drawing.marks.addEventListener("focusin", (event) => this.#focus(numberOf(event.target)));
    drawing.marks.addEventListener("focusout", () => this.#light(null));
    root.addEventListener("keydown", (event) => event.key === "Escape" && this.#light(null));
  }

  /** Follows the drawing after it has shown other entities: one of them can be reached by the Tab key. */
  refresh() {
    this.#light(null);
    this.tabStop = null;
    if (this.drawing.shown.length) this.#stopAt(this.drawing.shown[0]);
  }

  /** Lights up an entity in drawing and table without its details. */
  highlight(number) {
    for (const part of this.root.querySelectorAll(".active")) part.classList.remove("active");
    if (number === null) return;
    for (const part of this.root.querySelectorAll(`[data-entity="${number}"]`)) part.classList.add("active");
  }

  #over(event) {
    const number = numberOf(event.target) ?? this.drawing.entityAt(event.clientX, event.clientY) ?? null;
    if (number === null) this.#settle();
    else if (number !== this.current) this.#light(number);
  }

  /** Back to what has the focus, if anything of the drawing has. */
  #settle() {
    const focused = this.drawing.marks.contains(document.activeElement) ? numberOf(document.activeElement) : null;
    if (focused !== this.current) this.#light(focused);
  }

  #focus(number) {
    if (number === null) return;
    this.#stopAt(number);
    this.#light(number);
  }

  #light(number) {
    this.current = number;
    this.highlight(number);
    this.box.hidden = number === null;
    if (number === null) return;
    const { label, score, start, end } = this.drawing.entities[number];
    const name = document.createElement("b");
    name.textContent = label;
    this.box.replaceChildren(name, ` score ${score.toFixed(3)} · characters ${start}–${end}`);
    const place = this.drawing.placeOf(number);
    const rightmost = this.drawing.width - this.box.offsetWidth;
    this.box.style.left = `${Math.max(0, Math.min(place.left, rightmost))}px`;
    this.box.style.top = `${place.bottom + GAP}px`;
  }

  #stopAt(number) {
    const before = this.drawing.markOf(this.tabStop);
    if (before) before.tabIndex = -1;
    this.tabStop = number;
    this.drawing.markOf(number).tabIndex = 0;
  }

  #onKey(event) {
    const { shown } = this.drawing;
    const place = shown.indexOf(numberOf(event.target));
    const steps = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1, ArrowUp: place - 1 };
    const goals = { ...steps, Home: 0, End: shown.length - 1 };
    if (!Object.hasOwn(goals, event.key)) return;
    event.preventDefault();
    const goal = Math.max(0, Math.min(goals[event.key], shown.length - 1));
    this.drawing.markOf(shown[goal]).focus();
  }
}

/** The entity that a part of the page belongs to, or null. */
export function numberOf(target) {
  const part = target.closest("[data-entity]");
  return part ? Number(part.dataset.entity) : null;
}
