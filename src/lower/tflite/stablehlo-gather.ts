/** StableHLO's gathers and scatters. */
import type { Value } from "../../graph/graph.ts";
import type { Builder } from "../../tf/build.ts";
import { inverse, range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { graph, int, ints } from "../schema.ts";
import { lite } from "./rule.ts";
import { coordinates, list, type Region, regionOf } from "./stablehlo-reduce.ts";

interface Places {
  readonly index_vector_dim: number;
  /** Which axes of the operand the numbers of an index vector are for. */
  readonly map: readonly number[];
  readonly sizes: readonly number[];
}

/** Full coordinates of each element of each slice: [slices, elements of a slice, rank]. Starts are moved so that slices lie within. */
function coordinatesOf(
  b: Builder,
  dims: readonly number[],
  indices: Value,
  { index_vector_dim, map, sizes }: Places,
  clamp: boolean,
): Value {
  const rank = dims.length;
  const vectors = index_vector_dim === indices.rank ? b.op("ExpandDims", [indices, b.scalar("int32", indices.rank)]) : indices;
  const order = [...range(vectors.rank).filter((i) => i !== index_vector_dim), index_vector_dim];
  const rows = b.reshape(b.cast(b.transpose(vectors, order), "int32"), [-1, map.length]);
  const columns = dims.map((dim, axis) => {
    const at = map.indexOf(axis);
    if (at < 0) return b.op("ZerosLike", [b.slice(rows, [0, 0], [-1, 1])]);
    const start = b.slice(rows, [0, at], [-1, 1]);
    if (!clamp) return start;
    return b.op("Maximum", [b.op("Minimum", [start, b.scalar("int32", dim - sizes[axis]!)]), b.scalar("int32", 0)]);
  });
  const starts = b.op("ExpandDims", [b.concat(columns, 1), b.scalar("int32", 1)]);
  const count = sizes.reduce((n, size) => n * size, 1);
  const grid = b.reshape(b.ints(range(count).flatMap((i) => coordinates(i, sizes))), [1, count, rank]);
  return b.op("AddV2", [starts, grid]);
}

function gather(
  b: Builder,
  x: Value,
  indices: Value,
  places: Places,
  offsetDims: readonly number[],
  collapsed: readonly number[],
  at: At,
): Value {
  const dims = x.staticShape;
  const batch = indices.staticShape?.filter((_, i) => i !== places.index_vector_dim);
  if (!dims || !batch) throw at.unsupported("a gather of unknown size", "give the input's shape with --input");
  const picked = b.op("GatherNd", [x, coordinatesOf(b, dims, indices, places, true)]);
  const kept = places.sizes.filter((_, i) => !collapsed.includes(i));
  const whole = b.reshape(picked, [...batch, ...kept]);
  const rank = batch.length + kept.length;
  const batchDims = range(rank).filter((i) => !offsetDims.includes(i));
  return b.transpose(whole, inverse([...batchDims, ...offsetDims]));
}

const scatters: Partial<Record<Region, string>> = { second: "Update", AddV2: "Add", Mul: "Mul", Maximum: "Max", Minimum: "Min" };

function scatter(
  b: Builder,
  x: Value,
  indices: Value,
  updates: Value,
  a: {
    update_window_dims: readonly number[];
    inserted_window_dims: readonly number[];
    map: readonly number[];
    index_vector_dim: number;
  },
  region: Region,
  at: At,
): Value {
  const dims = x.staticShape;
  const shape = updates.staticShape;
  if (!dims || !shape) throw at.unsupported("a scatter of unknown size", "give the input's shape with --input");
  const how = scatters[region];
  if (!how) throw at.unsupported(`a scatter that combines by ${region}`);
  const window = a.update_window_dims.map((axis) => shape[axis]!);
  const sizes = dims.map(() => 1);
  const open = range(dims.length).filter((axis) => !a.inserted_window_dims.includes(axis));
  open.forEach((axis, i) => {
    sizes[axis] = window[i]!;
  });
  const batch = range(shape.length).filter((axis) => !a.update_window_dims.includes(axis));
  const places = coordinatesOf(b, dims, indices, { index_vector_dim: a.index_vector_dim, map: a.map, sizes }, false);
  const flat = b.reshape(b.transpose(updates, [...batch, ...a.update_window_dims]), [-1]);
  return b.op(`TensorScatter${how}`, [x, b.reshape(places, [-1, dims.length]), flat]);
}

export const stablehloGathers: readonly Rule[] = [
  lite(
    "STABLEHLO_GATHER",
    {
      arity: [2, 2],
      attrs: {
        offset_dims: ints(),
        collapsed_slice_dims: ints(),
        start_index_map: ints(),
        index_vector_dim: int(0),
        slice_sizes: ints(),
      },
      moves: true,
    },
    (b, [x, indices], a, at) => {
      const places = { index_vector_dim: a.index_vector_dim, map: list(a.start_index_map), sizes: list(a.slice_sizes) };
      return [gather(b, x, indices, places, list(a.offset_dims), list(a.collapsed_slice_dims), at)];
    },
  ),
  lite(
    "STABLEHLO_SCATTER",
    {
      arity: [3, 3],
      attrs: {
        update_window_dims: ints(),
        inserted_window_dims: ints(),
        scatter_dims_to_operand_dims: ints(),
        index_vector_dim: int(0),
        update_computation_subgraph_index: graph(),
      },
    },
    (b, [x, indices, updates], a, at) => {
      const dims = {
        update_window_dims: list(a.update_window_dims),
        inserted_window_dims: list(a.inserted_window_dims),
        map: list(a.scatter_dims_to_operand_dims),
        index_vector_dim: a.index_vector_dim,
      };
      return [scatter(b, x, indices, updates, dims, regionOf(b, a.update_computation_subgraph_index, x, at), at)];
    },
  ),
];
