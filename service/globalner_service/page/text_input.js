// The box for the text: typed, pasted, an example, or a file that is dropped on it or opened.

export const EXAMPLES = [
  ["University", "Professor Mara Lindqvist left the University of Lisbon on 3 May 2024."],
  ["Company", "Lightwave (Toronto) Ltd. paid $2.4 million for the Nova 12 Pro, said its chief executive officer, Jonas Weber."],
  ["医院", "北京大学第三医院院长林晓雯于2024年5月3日在上海会见了王芳教授。"],
  ["公司", "杭州云帆科技有限公司首席执行官王子涵在深圳发布了星河9 Pro，售价3999元。"],
];
const MAX_BYTES_OF_A_CHARACTER = 4;

const number = new Intl.NumberFormat("en");

/** The text box with everything that fills it. */
export class TextInput {
  /**
   * @param {{box: HTMLTextAreaElement, count: HTMLElement, zone: HTMLElement, file: HTMLInputElement, examples: HTMLElement}} parts
   * @param {() => void} onWhole a whole text has come, by a file or an example
   * @param {(message: string) => void} onProblem
   */
  constructor(parts, onWhole, onProblem) {
    Object.assign(this, parts, { onWhole, onProblem, maxChars: Infinity });
    this.box.addEventListener("input", () => this.showCount());
    this.file.addEventListener("change", () => this.#open(this.file.files));
    this.examples.replaceChildren(...EXAMPLES.map((example) => this.#exampleButton(example)));
    this.#takeDrops();
    this.showCount();
  }

  get text() {
    return this.box.value;
  }

  set text(content) {
    this.box.value = content;
    this.showCount();
  }

  /** The server's limit, in code points. */
  limit(maxChars) {
    this.maxChars = maxChars;
    this.showCount();
  }

  showCount() {
    const chars = codePoints(this.text);
    const limit = Number.isFinite(this.maxChars) && chars > this.maxChars / 2 ? ` of ${number.format(this.maxChars)}` : "";
    this.count.textContent = chars ? `${number.format(chars)}${limit} ${chars === 1 ? "character" : "characters"}` : "";
    this.count.classList.toggle("over", chars > this.maxChars);
  }

  #exampleButton([name, content]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = name;
    button.addEventListener("click", () => {
      this.text = content;
      this.onWhole();
    });
    return button;
  }

  #takeDrops() {
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    const mark = (is) => this.zone.classList.toggle("dropping", is);
    for (const name of ["dragenter", "dragover"]) {
      this.zone.addEventListener(name, (event) => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        mark(true);
      });
    }
    this.zone.addEventListener("dragleave", (event) => mark(this.zone.contains(event.relatedTarget)));
    this.zone.addEventListener("drop", (event) => {
      mark(false);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.#open(event.dataTransfer.files);
    });
  }

  async #open(files) {
    const [file] = files;
    const several = files.length > 1;
    if (!file) return;
    try {
      const content = several ? null : await this.#read(file);
      if (several) throw new Error(`One file at a time, please; these are ${number.format(files.length)}.`);
      this.text = content;
      this.onWhole();
    } catch (error) {
      this.onProblem(error.message);
    } finally {
      this.file.value = "";
    }
  }

  async #read(file) {
    if (file.size > this.maxChars * MAX_BYTES_OF_A_CHARACTER) {
      const [size, limit] = [number.format(file.size), number.format(this.maxChars)];
      throw new Error(`“${file.name}” has ${size} bytes; the server takes at most ${limit} characters.`);
    }
    const bytes = await file.arrayBuffer().catch(() => {
      throw new Error(`“${file.name}” cannot be read; is it a folder?`);
    });
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new Error(`“${file.name}” is no text in UTF-8.`);
    }
  }
}

function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
