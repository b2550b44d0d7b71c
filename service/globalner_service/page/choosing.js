// Which of the entities that the server told of are shown: by threshold, by label, nested or flat.

import { flatSpans, logitOf } from "./flat.js";

/** The lowest score that the slider reaches, and what the page asks the server for. */
export const LOWEST_SCORE = 0.05;
const USUAL_THRESHOLD = 0.5;

/**
 * @typedef {object} View How to look at an answer
 * @property {"nested"|"flat"} mode
 * @property {number|null} threshold score above which an entity counts; null for the model's own, by label
 * @property {Set<string>} hidden labels that are switched off
 */

/** The score that the server is asked for, so that every setting of the page can be answered from one reply. */
export function floorFor(ownThresholds) {
  return Math.min(LOWEST_SCORE, ...Object.values(ownThresholds));
}

/** The score above which an entity with this label counts. */
export function thresholdOf(label, view, ownThresholds) {
  return view.threshold ?? ownThresholds[label] ?? USUAL_THRESHOLD;
}

/**
 * Positions of the entities to show, ascending.
 * @param {{start: number, end: number, label: string, score: number}[]} entities in the server's order
 * @param {View} view
 * @param {string[]} labels the model's, in its order
 * @param {Record<string, number>} ownThresholds
 */
export function choose(entities, view, labels, ownThresholds) {
  const positions = [...entities.keys()].filter((position) => {
    const { label, score } = entities[position];
    return !view.hidden.has(label) && score > thresholdOf(label, view, ownThresholds);
  });
  if (view.mode !== "flat") return positions;
  const spans = positions.map((position) => {
    const { start, end, label, score } = entities[position];
    return { start, end, type: labels.indexOf(label), logit: logitOf(score), position };
  });
  const thresholds = labels.map((label) => logitOf(thresholdOf(label, view, ownThresholds)));
  return flatSpans(spans, thresholds).map(({ position }) => position).sort((a, b) => a - b);
}
