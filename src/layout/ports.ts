/** Where each edge enters its box: straight ones in the middle, others beside it on the side they come from. */

/** Between arrows on one box, where it is wide enough. */
const pitch = 40;
/** Kept free at the corners of a box. */
const corner = 20;

/**
 * X of each edge's end. `comesFrom`: x of the last point before the end; `centre` and `widths` by box.
 */
export function placePorts(to: Int32Array, comesFrom: Float64Array, centre: Int32Array, widths: readonly number[]): Float64Array {
  const at = new Float64Array(to.length);
  const byBox = new Map<number, number[]>();
  for (let e = 0; e < to.length; e++) {
    const edges = byBox.get(to[e]!);
    if (edges) edges.push(e);
    else byBox.set(to[e]!, [e]);
  }
  for (const [box, edges] of byBox) {
    const middle = centre[box]!;
    if (edges.length === 1) {
      at[edges[0]!] = middle;
      continue;
    }
    edges.sort((a, b) => comesFrom[a]! - comesFrom[b]! || a - b);
    const straight = edges.findIndex((e) => comesFrom[e] === middle);
    const centred = straight === -1 ? (edges.length - 1) / 2 : straight;
    const farthest = Math.max(centred, edges.length - 1 - centred);
    const step = Math.min(pitch, (widths[box]! / 2 - corner) / farthest);
    edges.forEach((e, i) => {
      at[e] = Math.round(middle + (i - centred) * Math.max(0, step));
    });
  }
  return at;
}
