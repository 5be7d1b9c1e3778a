/** A written ONNX model in onnxruntime, as the side that is to be proven. */
import { isFloat, isInteger } from "../base/dtype.ts";
import { allocate, type Tensor } from "../graph/tensor.ts";
import type { Run, ValueSpec } from "../runtime/run.ts";
import { asTarget, OrtSession } from "./ort-session.ts";

export interface OnnxTarget extends Run {
  readonly backend: "onnxruntime";
  readonly version: string;
}

/** A `ModelError` `target-refused` where onnxruntime does not take the file at `path`. */
export async function openOnnxTarget(path: string, signal?: AbortSignal): Promise<OnnxTarget> {
  const session = await OrtSession.start(path, signal).catch(rethrow);
  try {
    const { inputs, outputs } = await session.load([]);
    const own = new Set(outputs.map(({ name }) => name));
    return {
      backend: "onnxruntime",
      version: session.version,
      inputs,
      outputs,
      run: (feeds, fetches) => session.values(asDeclared(feeds, inputs), fetches, own).catch(rethrow),
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    return rethrow(error);
  }
}

function rethrow(error: unknown): never {
  throw asTarget(error);
}

/** Inputs in the types that the model declares: ML.NET's have no float16, a source's float64 may be float32 here. */
export function asDeclared(feeds: ReadonlyMap<string, Tensor>, inputs: readonly ValueSpec[]): Map<string, Tensor> {
  const dtypes = new Map(inputs.map(({ name, dtype }) => [name, dtype]));
  return new Map([...feeds].map(([name, tensor]) => [name, inType(tensor, dtypes.get(name) ?? tensor.dtype)]));
}

/** float16 and its like are held as float32 already. */
function inType(tensor: Tensor, dtype: Tensor["dtype"]): Tensor {
  const isNumber = (each: Tensor["dtype"]) => isFloat(each) || isInteger(each) || each === "bool";
  if (dtype === tensor.dtype || !isNumber(dtype) || !isNumber(tensor.dtype)) return tensor;
  const data = allocate(dtype, tensor.data.length);
  const toBig = typeof data[0] === "bigint";
  for (let i = 0; i < data.length; i++)
    (data as unknown as (number | bigint)[])[i] = toBig ? BigInt(tensor.data[i]!) : Number(tensor.data[i]);
  return { ...tensor, dtype, data };
}
