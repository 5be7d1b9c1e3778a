/** Rows of different lengths, as TensorFlow holds them: values end to end, and where each row begins. */
import type { CustomAttrs, CustomOp, Inputs, Outputs, Tf } from "./op.ts";

type Held = Inputs[number];

function heldIn(x: Held): (string | number)[] {
  return x.dtype === "string" ? Array.from(x.dataSync<"string">() as unknown as string[]) : Array.from(x.dataSync());
}

/**
 * Rows filled up to a dense tensor. Inputs: shape (−1: as long as the longest row), values, what fills, then the partitions, outermost
 * first. Attribute kinds says of each what it is: 0 the number of rows, 1 the row of each value, 2 where rows begin and end.
 */
function raggedDense(tf: Tf, [shape, values, fill, ...partitions]: Inputs, attrs: CustomAttrs): Outputs {
  const kinds = attrs["kinds"] as readonly number[];
  const inner = values!.shape.slice(1);
  const run = inner.reduce((size, dim) => size * dim, 1);
  // Place of each value of a level: its row within the level above, and its column.
  let rows = kinds[0] === 0 ? Number(partitions[0]!.dataSync()[0]) : -1;
  const outermost = { count: rows };
  const levels: { row: number[]; column: number[] }[] = [];
  partitions.forEach((partition, i) => {
    if (kinds[i] === 0) return;
    const told = partition.dataSync();
    const level = { row: [] as number[], column: [] as number[] };
    if (kinds[i] === 2) {
      rows = told.length - 1;
      for (let row = 0; row < rows; row++)
        for (let at = told[row]!; at < told[row + 1]!; at++) {
          level.row.push(row);
          level.column.push(at - told[row]!);
        }
    } else
      told.forEach((row, at) => {
        level.row.push(row);
        level.column.push(at > 0 && told[at - 1] === row ? level.column[at - 1]! + 1 : 0);
      });
    if (outermost.count < 0) outermost.count = rows < 0 ? (told[told.length - 1] ?? -1) + 1 : rows;
    levels.push(level);
    rows = level.row.length;
  });
  const wanted = shape!.rank === 0 ? [] : Array.from(shape!.dataSync());
  const longest = levels.map(({ column }) => column.reduce((most, at) => Math.max(most, at + 1), 0));
  const dims = [outermost.count, ...longest, ...inner].map((dim, i) => ((wanted[i] ?? -1) < 0 ? dim : wanted[i]!));
  const outer = dims.slice(0, levels.length + 1);
  const filling = heldIn(fill!);
  const places = outer.reduce((size, dim) => size * dim, 1);
  const out: (string | number)[] = [];
  for (let place = 0; place < places; place++) for (let k = 0; k < run; k++) out.push(filling[k % filling.length]!);
  const held = heldIn(values!);
  for (let at = 0; at < values!.shape[0]!; at++) {
    let [item, flat, size] = [at, 0, 1];
    for (let depth = levels.length - 1; depth >= 0; depth--) {
      const column = levels[depth]!.column[item]!;
      flat = column < outer[depth + 1]! ? flat + column * size : Number.NaN;
      size *= outer[depth + 1]!;
      item = levels[depth]!.row[item]!;
    }
    flat = item < outer[0]! ? flat + item * size : Number.NaN;
    if (!Number.isNaN(flat)) for (let k = 0; k < run; k++) out[flat * run + k] = held[at * run + k]!;
  }
  return tf.tensor(out as number[], dims, values!.dtype);
}

/** Rows by number. Inputs: row splits of each depth, values, indices; outputs: splits for the dims of indices and all depths, values. */
function raggedGather(tf: Tf, inputs: Inputs): Outputs {
  const indices = inputs[inputs.length - 1]!;
  const values = inputs[inputs.length - 2]!;
  const splits = inputs.slice(0, -2).map((each) => each.dataSync());
  const outputs: number[][] = [];
  // Dims of the indices but the last are regular rows.
  let count = indices.shape[0] ?? 1;
  for (const dim of indices.shape.slice(1)) {
    const size = dim;
    outputs.push(Array.from({ length: count + 1 }, (_, i) => i * size));
    count *= dim;
  }
  let ranges = Array.from(indices.dataSync(), (row) => [row, row + 1] as const);
  for (const split of splits) {
    const ends = [0];
    const next: (readonly [number, number])[] = [];
    for (const [from, to] of ranges)
      for (let row = from; row < to; row++) {
        const [start, end] = [split[row], split[row + 1]];
        if (row < 0 || start === undefined || end === undefined) throw new Error(`RaggedGather: no row ${row}`);
        ends.push(ends[ends.length - 1]! + end - start);
        next.push([start, end]);
      }
    outputs.push(ends);
    ranges = next;
  }
  const places = ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
  const run = values.shape.slice(1).reduce((size, dim) => size * dim, 1);
  const held = heldIn(values);
  const picked = places.flatMap((place) => held.slice(place * run, (place + 1) * run));
  const dense = tf.tensor(picked as number[], [places.length, ...values.shape.slice(1)], values.dtype);
  return [...outputs.map((ends) => tf.tensor1d(ends, "int32")), dense];
}

/** Inputs: places [n, rank], values, shape, what goes into rows without one. Also which rows those are, and where each value went. */
function fillEmptyRows(tf: Tf, [indices, values, shape, fill]: Inputs): Outputs {
  const rank = indices!.shape[1]!;
  const [places, held, sizes] = [Array.from(indices!.dataSync()), heldIn(values!), shape!.dataSync()];
  const rows: number[][] = Array.from({ length: sizes[0]! }, () => []);
  for (let at = 0; at < held.length; at++) rows[places[at * rank]!]!.push(at);
  const [filling] = heldIn(fill!);
  const went = new Array<number>(held.length).fill(0);
  const [newPlaces, newValues]: [number[], (string | number)[]] = [[], []];
  rows.forEach((row, number) => {
    if (row.length === 0) {
      newPlaces.push(number, ...new Array<number>(rank - 1).fill(0));
      newValues.push(filling!);
    }
    for (const at of row) {
      went[at] = newValues.length;
      newPlaces.push(...places.slice(at * rank, (at + 1) * rank));
      newValues.push(held[at]!);
    }
  });
  return [
    tf.tensor(newPlaces, [newValues.length, rank], "int32"),
    tf.tensor(newValues as number[], [newValues.length], values!.dtype),
    tf.tensor1d(
      rows.map((row) => row.length === 0),
      "bool",
    ),
    tf.tensor1d(went, "int32"),
  ];
}

export const raggedOps: Readonly<Record<string, CustomOp>> = {
  RaggedDense: { run: raggedDense, uses: [heldIn] },
  RaggedRows: { run: raggedGather, uses: [heldIn] },
  FillEmptyRows: { run: fillEmptyRows, uses: [heldIn] },
};
