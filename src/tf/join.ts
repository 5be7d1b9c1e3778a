/** Ops that put tensors together or repeat them: concatenation, stacking, tiling, padding. */
import { modelError } from "../base/problem.ts";
import type { Dim } from "../graph/graph.ts";
import { allocate, type Tensor } from "../graph/tensor.ts";
import { axisOf, ints, openVector, refine, sum } from "./dims.ts";
import { define, normalAxis } from "./op.ts";
import { concatTensors, repeat, stridesOf } from "./strided.ts";
import { walk } from "./walk.ts";

define(
  {
    name: "ConcatV2",
    infer: (call) => {
      const count = call.inputs.length - 1;
      const shapes = Array.from({ length: count }, (_, i) => call.shape(i));
      for (let i = 1; i < count; i++)
        if (call.dtype(i) !== call.dtype(0))
          throw modelError("dtype-mismatch", `concat of ${call.dtype(0)} and ${call.dtype(i)}`);
      const rank = shapes.find((shape) => shape)?.length;
      if (rank === undefined) return [{ dtype: call.dtype(), shape: undefined }];
      const axis = axisOf(call, count, rank);
      for (const shape of shapes)
        if (shape && shape.length !== rank) throw modelError("shape-mismatch", `concat of ranks ${rank} and ${shape.length}`);
      const dim = (at: number): Dim => {
        const dims = shapes.map((shape) => shape?.[at]);
        if (at === axis) return sum(dims);
        const sizes = new Set(dims.filter((d) => typeof d === "number"));
        if (sizes.size > 1)
          throw modelError("shape-mismatch", `concat over axis ${axis} of dims ${[...sizes].join(" and ")} on axis ${at}`);
        return dims.reduce(refine);
      };
      return [{ dtype: call.dtype(), shape: Array.from({ length: rank }, (_, i) => dim(i)) }];
    },
    fold: (inputs, _, [type]) => {
      const axis = normalAxis(ints(inputs[inputs.length - 1]!)[0]!, type!.shape!.length);
      return [concatTensors(inputs.slice(0, -1), axis, type!.shape as readonly number[])];
    },
    elements: (call) => {
      const parts = call.inputs
        .slice(0, -1)
        .map((value, i) => (value.type.shape?.length === 1 ? (call.dims(i) ?? openVector(value.type.shape[0])) : undefined));
      return parts.every((part) => part) ? parts.flatMap((part) => part!) : undefined;
    },
  },
  {
    name: "Pack",
    infer: (call) => {
      const shape = call.inputs
        .map((value) => value.type.shape)
        .reduce((a, b) => (a && b ? a.map((dim, i) => refine(dim, b[i])) : (a ?? b)));
      if (!shape) return [{ dtype: call.dtype(), shape: undefined }];
      const axis = normalAxis(call.attr<number>("axis", 0), shape.length + 1);
      return [{ dtype: call.dtype(), shape: [...shape.slice(0, axis), call.inputs.length, ...shape.slice(axis)] }];
    },
    fold: (inputs, attrs, [type]) => {
      const axis = normalAxis((attrs["axis"] as number | undefined) ?? 0, type!.shape!.length);
      const parts = inputs.map((t) => ({ ...t, shape: [...t.shape.slice(0, axis), 1, ...t.shape.slice(axis)] }));
      return [concatTensors(parts, axis, type!.shape as readonly number[])];
    },
    elements: (call) => (call.shape()?.length === 0 ? call.inputs.map((_, i) => call.dims(i)?.[0]) : undefined),
  },
  {
    name: "Tile",
    infer: (call) => {
      const [shape, times] = [call.shape(0), call.dims(1)];
      if (!shape) return [{ dtype: call.dtype(), shape: times?.map(() => undefined) }];
      return [
        {
          dtype: call.dtype(),
          shape: shape.map((dim, i) =>
            times?.[i] === 1
              ? dim
              : dim === 1
                ? times?.[i]
                : typeof dim === "number" && typeof times?.[i] === "number"
                  ? dim * (times[i] as number)
                  : undefined,
          ),
        },
      ];
    },
    fold: ([x, times], _, [type]) => {
      let out = x!;
      ints(times!).forEach((count, axis) => {
        const shape = out.shape.map((dim, i) => (i === axis ? dim * count : dim));
        out =
          count === 0
            ? { dtype: out.dtype, shape, data: allocate(out.dtype, 0) }
            : concatTensors(new Array<Tensor>(count).fill(out), axis, shape);
      });
      return [{ ...out, shape: type!.shape as readonly number[] }];
    },
  },
  {
    name: "PadV2",
    infer: (call) => {
      const shape = call.shape();
      const pads = call.dims(1);
      if (!shape) return [{ dtype: call.dtype(), shape: undefined }];
      return [
        {
          dtype: call.dtype(),
          shape: shape.map((dim, i) =>
            pads ? (pads[2 * i] === 0 && pads[2 * i + 1] === 0 ? dim : sum([dim, pads[2 * i], pads[2 * i + 1]])) : undefined,
          ),
        },
      ];
    },
    fold: ([x, pads, value], _, [type]) => {
      const shape = type!.shape as readonly number[];
      const out = repeat(value!, shape);
      const [to, from, p] = [stridesOf(shape), stridesOf(x!.shape), ints(pads!)];
      const start = to.reduce((offset, stride, i) => offset + stride * p[2 * i]!, 0);
      walk(x!.shape, [to, from], (_, [i, j]) => {
        out.data[start + i!] = x!.data[j!]!;
      });
      return [out];
    },
  },
  {
    name: "MirrorPad",
    infer: (call) => {
      const [shape, pads] = [call.shape(), call.dims(1)];
      return [
        {
          dtype: call.dtype(),
          shape: shape?.map((dim, i) => (pads ? sum([dim, pads[2 * i], pads[2 * i + 1]]) : undefined)),
        },
      ];
    },
  },
);
