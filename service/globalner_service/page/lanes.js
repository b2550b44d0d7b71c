// Stacks underlines: which lane below its row every bar goes to.

/**
 * Gives every fragment of one visual row a lane: an entity lies below those inside it, and nothing touches in a lane.
 * @param {{left: number, right: number, reachLeft: number, reachRight: number, length: number, lane?: number}[]} fragments
 *   bar from left to right; with its label it reaches from reachLeft to reachRight; length of the entity in characters
 * @returns {number} lanes used
 */
export function assignLanes(fragments) {
  const placed = [];
  const inner = [...fragments].sort((a, b) => a.length - b.length || a.left - b.left);
  for (const fragment of inner) {
    let lane = 0;
    for (const other of placed) {
      const isInside = other.left >= fragment.left - 1 && other.right <= fragment.right + 1;
      if (isInside) lane = Math.max(lane, other.lane + 1);
    }
    const taken = new Set(placed.filter((other) => touches(other, fragment)).map((other) => other.lane));
    while (taken.has(lane)) lane += 1;
    fragment.lane = lane;
    placed.push(fragment);
  }
  return Math.max(0, ...placed.map((fragment) => fragment.lane + 1));
}

function touches(one, other) {
  return one.reachLeft + 1 < other.reachRight && other.reachLeft + 1 < one.reachRight;
}
