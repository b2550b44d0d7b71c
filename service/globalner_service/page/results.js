// What was found in words: the summary, what the server left out, the table, and the switch of every label.

const FIRST_ROWS = 100;

const number = new Intl.NumberFormat("en");

/** How many are shown, for eyes and ears. */
export function summary(shown, { entities, windows }) {
  const parts = windows > 1 ? ` in ${number.format(windows)} windows` : "";
  if (shown.length) return `${number.format(shown.length)} found${parts}`;
  return entities.length ? `None found; ${number.format(entities.length)} below the threshold or switched off` : "None found";
}

/** What a limited answer lacks; empty where the answer is whole. */
export function limitNotice({ entities, limited }) {
  if (!limited) return "";
  const lowest = Math.min(...entities.map(({ score }) => score));
  const kept = `The server sent only the ${number.format(entities.length)} entities with the highest scores.`;
  return `${kept} Of those that score ${lowest.toFixed(3)} or less, some are missing.`;
}

/** The table of shown entities: the first hundred, the rest on demand. */
export class Table {
  /**
   * @param {{body: HTMLElement, more: HTMLButtonElement}} parts
   * @param {(label: string) => number} hueOf
   */
  constructor({ body, more }, hueOf) {
    Object.assign(this, { body, more, hueOf, showsAll: false });
    more.addEventListener("click", () => {
      this.showsAll = true;
      this.#fill();
      this.body.rows[FIRST_ROWS].tabIndex = -1;
      this.body.rows[FIRST_ROWS].focus();
    });
  }

  /** Takes the entities of a new answer. */
  read(entities) {
    this.entities = entities;
    this.made = new Map();
    this.showsAll = false;
  }

  /** Lists these entities and no others. */
  show(numbers) {
    this.numbers = numbers;
    this.#fill();
  }

  #fill() {
    const listed = this.showsAll ? this.numbers : this.numbers.slice(0, FIRST_ROWS);
    this.more.hidden = listed.length === this.numbers.length;
    this.more.textContent = `Show all ${number.format(this.numbers.length)}`;
    this.body.replaceChildren(...listed.map((position) => this.#rowOf(position)));
  }

  #rowOf(position) {
    if (!this.made.has(position)) this.made.set(position, this.#makeRow(position));
    return this.made.get(position);
  }

  #makeRow(position) {
    const entity = this.entities[position];
    const row = document.createElement("tr");
    const label = document.createElement("span");
    label.className = "label";
    label.textContent = entity.label;
    label.style.setProperty("--hue", String(this.hueOf(entity.label)));
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
}

/** One switch for every label of an answer. */
export class LabelSwitches {
  /**
   * @param {HTMLElement} parent
   * @param {(label: string) => number} hueOf
   * @param {(hidden: Set<string>) => void} onChange
   */
  constructor(parent, hueOf, onChange) {
    Object.assign(this, { parent, hueOf, counts: new Map() });
    parent.addEventListener("change", () => onChange(this.#hidden()));
  }

  /** Makes the switches of a new answer, in the order of the labels. */
  read(labels, hidden) {
    const switches = labels.map((label) => this.#switchOf(label, !hidden.has(label)));
    this.inputs = new Map(switches.map(({ input }, place) => [labels[place], input]));
    this.counts = new Map(switches.map(({ count }, place) => [labels[place], count]));
    this.parent.replaceChildren(...switches.map(({ chip }) => chip));
  }

  /** Says how many entities of each label show. */
  count(shownLabels) {
    const totals = new Map();
    for (const label of shownLabels) totals.set(label, (totals.get(label) ?? 0) + 1);
    for (const [label, count] of this.counts) {
      count.textContent = this.inputs.get(label).checked ? ` ${number.format(totals.get(label) ?? 0)}` : " off";
    }
  }

  #hidden() {
    return new Set([...this.inputs].filter(([, input]) => !input.checked).map(([label]) => label));
  }

  #switchOf(label, isOn) {
    const [chip, input, face, name, count] = ["label", "input", "span", "b", "span"].map((tag) => document.createElement(tag));
    chip.className = "chip";
    input.type = "checkbox";
    input.checked = isOn;
    input.value = label;
    input.autocomplete = "off";
    name.textContent = label;
    count.className = "chip-count";
    chip.style.setProperty("--hue", String(this.hueOf(label)));
    face.append(name, count);
    chip.append(input, face);
    return { chip, input, count };
  }
}
