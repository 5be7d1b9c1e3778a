/** StableHLO's products, convolutions, reductions, gathers and scatters: spelt out by dimension numbers and, some of them, a region. */
import type { Value } from "../../graph/graph.ts";
import type { GraphId } from "../../graph/source.ts";
import type { Builder } from "../../tf/build.ts";
import { constantOf } from "../../tf/op.ts";
import { inverse, range } from "../onnx/axis.ts";
import type { At, Rule } from "../rule.ts";
import { graph, int, ints } from "../schema.ts";
import { lite } from "./rule.ts";
import { dilate, padEdges } from "./stablehlo.ts";

/** What a region of two scalars computes, as an operator of the hub. */
type Region = "AddV2" | "Mul" | "Maximum" | "Minimum" | "LogicalAnd" | "LogicalOr" | "second";
const reductions: Partial<Record<Region, string>> = {
  AddV2: "Sum",
  Mul: "Prod",
  Maximum: "Max",
  Minimum: "Min",
  LogicalAnd: "All",
  LogicalOr: "Any",
};

/** Regions are looked at, not run: those that are one operator over both scalars. */
function regionOf(b: Builder, id: GraphId, like: Value, at: At): Region {
  const scalars = [0, 1].map((i) => b.input(`scalar_${i}`, { dtype: like.dtype, shape: [] }));
  const { outputs } = at.body(id, scalars);
  const [result] = outputs;
  if (outputs.length !== 1 || !result) throw at.unsupported(`a region of ${outputs.length} results`);
  if (result === scalars[1]) return "second";
  const { op, inputs } = result.node;
  const known = op in reductions && inputs.length === 2 && scalars.every((scalar) => inputs.includes(scalar));
  if (!known) throw at.unsupported(`a region that computes ${op}`);
  return op as Region;
}

function reduce(b: Builder, x: Value, init: Value, dims: readonly number[], region: Region, at: At): Value {
  const op = reductions[region];
  if (!op) throw at.unsupported("a reduction to the last element");
  const y = b.reduce(op, x, dims, false);
  return isNeutral(init, region) ? y : b.op(region, [y, init]);
}

const neutral: Partial<Record<Region, number>> = {
  AddV2: 0,
  Mul: 1,
  Maximum: Number.NEGATIVE_INFINITY,
  Minimum: Number.POSITIVE_INFINITY,
  LogicalAnd: 1,
  LogicalOr: 0,
};

function isNeutral(init: Value, region: Region): boolean {
  const tensor = constantOf(init);
  return tensor !== undefined && Number(tensor.data[0]) === neutral[region];
}

/** Elements of a window that are written out one by one. */
const maxWindow = 256;

/** Every element of the window is a strided slice; the slices are combined. */
function reduceWindow(
  b: Builder,
  x: Value,
  init: Value,
  a: {
    window_dimensions: readonly number[];
    window_strides: readonly number[];
    base_dilations: readonly number[];
    window_dilations: readonly number[];
    padding: readonly number[];
  },
  region: Region,
  at: At,
): Value {
  if (region === "second") throw at.unsupported("a window of which the last element is taken");
  const count = a.window_dimensions.reduce((n, dim) => n * dim, 1);
  if (count > maxWindow) throw at.unsupported(`a window of ${count} elements`);
  const spaced = a.base_dilations.reduce((y, factor, axis) => dilate(b, y, axis, factor, init, at), x);
  const low = a.window_dimensions.map((_, i) => a.padding[2 * i] ?? 0);
  const high = a.window_dimensions.map((_, i) => a.padding[2 * i + 1] ?? 0);
  const padded = padEdges(b, spaced, low, high, init, at);
  const dims = padded.staticShape;
  if (!dims) throw at.unsupported("windows over an input of unknown size", "give the input's shape with --input");
  const extent = a.window_dimensions.map((dim, i) => (dim - 1) * (a.window_dilations[i] ?? 1));
  let total: Value | undefined;
  for (let at = 0; at < count; at++) {
    const offset = coordinates(at, a.window_dimensions).map((place, i) => place * (a.window_dilations[i] ?? 1));
    const end = dims.map((dim, i) => offset[i]! + dim - extent[i]!);
    const strides = a.window_dimensions.map((_, i) => a.window_strides[i] ?? 1);
    const part = b.op("StridedSlice", [padded, b.ints(offset), b.ints(end), b.ints(strides)], {});
    total = total ? b.op(region, [total, part]) : part;
  }
  return isNeutral(init, region) ? total! : b.op(region, [total!, init]);
}

function coordinates(flat: number, dims: readonly number[]): number[] {
  const places = new Array<number>(dims.length);
  let rest = flat;
  for (let i = dims.length - 1; i >= 0; i--) {
    places[i] = rest % dims[i]!;
    rest = Math.floor(rest / dims[i]!);
  }
  return places;
}

/** A letter an axis; contracted and batch axes share theirs. Results: batch, the left's own, the right's own. */
function dotGeneral(b: Builder, x: Value, y: Value, [xBatch, yBatch, xSum, ySum]: readonly (readonly number[])[]): Value {
  const letter = (i: number) => String.fromCharCode(97 + i);
  const left = range(x.rank).map(letter);
  const right = range(y.rank).map((i) => letter(x.rank + i));
  xBatch!.forEach((axis, i) => {
    right[yBatch![i]!] = left[axis]!;
  });
  xSum!.forEach((axis, i) => {
    right[ySum![i]!] = left[axis]!;
  });
  const own = (letters: readonly string[], ...taken: readonly (readonly number[])[]) =>
    letters.filter((_, i) => !taken.flat().includes(i));
  const result = [...xBatch!.map((axis) => left[axis]!), ...own(left, xBatch!, xSum!), ...own(right, yBatch!, ySum!)];
  return b.op("Einsum", [x, y], { equation: `${left.join("")},${right.join("")}->${result.join("")}` });
}

interface Dims {
  readonly batch: number;
  readonly feature: number;
  readonly spatial: readonly number[];
}

/** Any layout to N spatial… C, convolved there, and to the layout of the result. */
function convolution(
  b: Builder,
  x: Value,
  w: Value,
  layouts: {
    readonly input: Dims;
    readonly kernel: { readonly from: number; readonly to: number; readonly spatial: readonly number[] };
    readonly output: Dims;
  },
  a: {
    window_strides: readonly number[];
    padding: readonly number[];
    lhs_dilation: readonly number[];
    rhs_dilation: readonly number[];
    feature_group_count: number;
  },
  at: At,
): Value {
  const { input, kernel, output } = layouts;
  const count = input.spatial.length;
  if (count < 1 || count > 3) throw at.unsupported(`a convolution over ${count} spatial axes`);
  const zero = b.scalar(x.dtype, 0);
  let last = b.transpose(x, [input.batch, ...input.spatial, input.feature]);
  a.lhs_dilation.forEach((factor, i) => {
    last = dilate(b, last, i + 1, factor, zero, at);
  });
  const amounts = (side: number) => [0, ...range(count).map((i) => a.padding[2 * i + side] ?? 0), 0];
  const padded = padEdges(b, last, amounts(0), amounts(1), zero, at);
  const filter = b.transpose(w, [...kernel.spatial, kernel.from, kernel.to]);
  // One spatial axis is two, of which one is of size 1.
  const single = count === 1;
  const image = single ? b.op("ExpandDims", [padded, b.scalar("int32", 1)]) : padded;
  const weights = single ? b.op("ExpandDims", [filter, b.scalar("int32", 0)]) : filter;
  const around = (list: readonly number[]) => [1, ...(single ? [1] : []), ...range(count).map((i) => list[i] ?? 1), 1];
  const attrs = {
    strides: around(a.window_strides),
    dilations: around(a.rhs_dilation),
    padding: "VALID",
    data_format: count === 3 ? "NDHWC" : "NHWC",
    ...(a.feature_group_count > 1 ? { groups: a.feature_group_count } : {}),
  };
  const y = b.op(count === 3 ? "Conv3D" : "Conv2D", [image, weights], attrs);
  const flat = single ? b.squeeze(y, [1]) : y;
  return b.transpose(flat, inverse([output.batch, ...output.spatial, output.feature]));
}

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

const list = (value: readonly number[] | undefined): readonly number[] => value ?? [];

export const stablehloWindows: readonly Rule[] = [
  lite(
    "STABLEHLO_REDUCE",
    { arity: [2, 2], attrs: { dimensions: ints(), body_subgraph_index: graph() } },
    (b, [x, init], a, at) => [
      reduce(b, x, b.reshape(init, []), list(a.dimensions), regionOf(b, a.body_subgraph_index, x, at), at),
    ],
  ),
  lite(
    "STABLEHLO_REDUCE_WINDOW",
    {
      arity: [2, 2],
      attrs: {
        window_dimensions: ints(),
        window_strides: ints(),
        base_dilations: ints(),
        window_dilations: ints(),
        padding: ints(),
        body_subgraph_index: graph(),
      },
    },
    (b, [x, init], a, at) => {
      const windows = {
        window_dimensions: list(a.window_dimensions),
        window_strides: list(a.window_strides),
        base_dilations: list(a.base_dilations),
        window_dilations: list(a.window_dilations),
        padding: list(a.padding),
      };
      return [reduceWindow(b, x, b.reshape(init, []), windows, regionOf(b, a.body_subgraph_index, x, at), at)];
    },
  ),
  lite(
    "STABLEHLO_DOT_GENERAL",
    {
      arity: [2, 2],
      attrs: {
        lhs_batching_dimensions: ints(),
        rhs_batching_dimensions: ints(),
        lhs_contracting_dimensions: ints(),
        rhs_contracting_dimensions: ints(),
      },
    },
    (b, [x, y], a) => [
      dotGeneral(b, x, y, [
        list(a.lhs_batching_dimensions),
        list(a.rhs_batching_dimensions),
        list(a.lhs_contracting_dimensions),
        list(a.rhs_contracting_dimensions),
      ]),
    ],
  ),
  lite(
    "STABLEHLO_CONVOLUTION",
    {
      arity: [2, 2],
      attrs: {
        window_strides: ints(),
        padding: ints(),
        lhs_dilation: ints(),
        rhs_dilation: ints(),
        window_reversal: ints(),
        input_batch_dimension: int(0),
        input_feature_dimension: int(0),
        input_spatial_dimensions: ints(),
        kernel_input_feature_dimension: int(0),
        kernel_output_feature_dimension: int(0),
        kernel_spatial_dimensions: ints(),
        output_batch_dimension: int(0),
        output_feature_dimension: int(0),
        output_spatial_dimensions: ints(),
        feature_group_count: int(1),
        batch_group_count: int(1),
      },
    },
    (b, [x, w], a, at) => {
      if (a.batch_group_count > 1) throw at.unsupported(`a convolution in ${a.batch_group_count} groups of the batch`);
      if (list(a.window_reversal).some((reversed) => reversed !== 0))
        throw at.unsupported("a convolution with a reversed window");
      const layouts = {
        input: { batch: a.input_batch_dimension, feature: a.input_feature_dimension, spatial: list(a.input_spatial_dimensions) },
        kernel: {
          from: a.kernel_input_feature_dimension,
          to: a.kernel_output_feature_dimension,
          spatial: list(a.kernel_spatial_dimensions),
        },
        output: {
          batch: a.output_batch_dimension,
          feature: a.output_feature_dimension,
          spatial: list(a.output_spatial_dimensions),
        },
      };
      const window = {
        window_strides: list(a.window_strides),
        padding: list(a.padding),
        lhs_dilation: list(a.lhs_dilation),
        rhs_dilation: list(a.rhs_dilation),
        feature_group_count: a.feature_group_count,
      };
      return [convolution(b, x, w, layouts, window, at)];
    },
  ),
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
