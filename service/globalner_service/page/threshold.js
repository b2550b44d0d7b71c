// The slider for the threshold: a score for all labels, or the model's own by label.

/** A range input with its value in words and a way back to the model's own thresholds. */
export class ThresholdSlider {
  /**
   * @param {{input: HTMLInputElement, output: HTMLOutputElement, reset: HTMLButtonElement}} parts
   * @param {number} lowest score at its left end
   * @param {(threshold: number|null) => void} onChange null for the model's own
   */
  constructor({ input, output, reset }, lowest, onChange) {
    Object.assign(this, { input, output, reset, ownScores: [] });
    input.min = String(lowest);
    input.addEventListener("input", () => {
      this.show(input.valueAsNumber);
      onChange(input.valueAsNumber);
    });
    reset.addEventListener("click", () => {
      this.show(null);
      input.focus();
      onChange(null);
    });
  }

  /** Learns the model's own thresholds. */
  own(scores) {
    this.ownScores = scores;
  }

  /** Stands at a score, or at the model's own where it is null. */
  show(threshold) {
    const lowest = Math.min(...this.ownScores);
    const highest = Math.max(...this.ownScores);
    const isOwn = threshold === null;
    const usual = this.ownScores.length ? (lowest + highest) / 2 : 0.5;
    this.input.value = String(threshold ?? usual);
    const own = lowest < highest ? `${lowest.toFixed(2)}–${highest.toFixed(2)} by label` : usual.toFixed(2);
    this.output.textContent = isOwn ? own : threshold.toFixed(2);
    this.input.setAttribute("aria-valuetext", isOwn ? `${own}, the model's own` : threshold.toFixed(2));
    this.reset.hidden = isOwn;
  }
}
