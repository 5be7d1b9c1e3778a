/** Attributes of hub nodes on their way to ONNX. */
import type { DType } from "../base/dtype.ts";
import type { Attrs, Type } from "../graph/graph.ts";
import { onnxType } from "./types.ts";

/** Attributes that hold a dtype. */
const dtypeAttrs = new Set(["element_dtype", "DstT", "SrcT", "T", "dtype", "out_type", "output_type", "output_dtype"]);

/** With dtypes mapped to ONNX's; the same object where none changes. */
export function onnxAttrs(attrs: Attrs): Attrs {
  let mapped: Record<string, Attrs[string]> | undefined;
  const set = (name: string, value: Attrs[string]) => {
    mapped ??= { ...attrs };
    mapped[name] = value;
  };
  for (const [name, value] of Object.entries(attrs)) {
    if (dtypeAttrs.has(name) && typeof value === "string") {
      if (onnxType(value as DType) !== value) set(name, onnxType(value as DType));
    } else if (name === "output_types") {
      const types = value as readonly Type[];
      if (types.some(({ dtype }) => onnxType(dtype) !== dtype))
        set(
          name,
          types.map((type) => ({ ...type, dtype: onnxType(type.dtype) })),
        );
    }
  }
  return mapped ?? attrs;
}
