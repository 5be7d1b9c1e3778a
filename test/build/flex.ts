/** Flex operators of TFLite: TensorFlow's node as options. */
import { flexbuffers } from "./flexbuffers.ts";
import { join } from "./protobuf.ts";
import { type NodeSpec, nodeDef } from "./tensorflow.ts";
import type { OperatorSpec } from "./tflite.ts";

/** Attributes as in a GraphDef; inputs and outputs name tensors of the TFLite graph. */
export function flexOperator(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attrs: NodeSpec["attrs"] = {},
): OperatorSpec {
  const node = join(nodeDef({ name: op.toLowerCase(), op, attrs }));
  // The encoder takes strings of text only: the bytes are put over a text as long.
  const text = "~".repeat(node.length);
  const custom = flexbuffers([op, text]);
  custom.set(node, Buffer.from(custom).indexOf(text));
  return { op: `Flex${op}`, inputs, outputs, custom };
}
