/** Links of numbered things in both directions, packed: a hundred thousand small arrays would cost more than the whole layout. */

export interface Adjacency {
  /** Links of `v` are `links[start[v]] … links[start[v + 1] - 1]`, in the order given. */
  readonly start: Int32Array;
  readonly links: Int32Array;
}

/** For each of `size` things, the indices of the links whose end it is. */
export function adjacency(size: number, ends: ArrayLike<number>): Adjacency {
  const start = new Int32Array(size + 1);
  for (let i = 0; i < ends.length; i++) start[ends[i]! + 1]!++;
  for (let v = 0; v < size; v++) start[v + 1]! += start[v]!;
  const fill = start.slice(0, size);
  const links = new Int32Array(ends.length);
  for (let i = 0; i < ends.length; i++) links[fill[ends[i]!]!++] = i;
  return { start, links };
}
