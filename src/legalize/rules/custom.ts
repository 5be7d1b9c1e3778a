/** Ops that only code of our own can compute: they keep their names, and the model is written with a custom-ops.mjs. */

import type { DType } from "../../base/dtype.ts";
import { customOps } from "../../customops/table.ts";
import type { Type, Value } from "../../graph/graph.ts";
import { LegalAt, type Legalize, type LegalRule, legal } from "../rule.ts";
import { borderType } from "../types.ts";
import { withBorderTypes } from "./control.ts";
import { elementwise } from "./rank.ts";
import { allLowest } from "./reduce.ts";

/** Those that the hub knows by the same name, with the same inputs and attributes. */
const direct = [
  ...[
    "TensorScatterMul",
    "TensorScatterMax",
    "TensorScatterMin",
    "BitwiseAnd",
    "BitwiseOr",
    "BitwiseXor",
    "MatrixDeterminant",
    "MatrixInverse",
    "RoiMaxPool",
    "RoiAlignAdaptive",
  ],
  ...["Lgamma", "Digamma", "Polygamma", "Zeta", "Igamma", "Igammac", "Betainc", "Cholesky", "Lu", "Qr", "SingularValues"],
  ...["FourierAlong", "ColumnsToImage", "CoupledProbabilities", "BlockRepeats", "TimeWarp"],
  ...["UniqueElements", "LookUp", "StringConcat", "RegexFullMatch", "StringPieces", "NormalizeText", "CountNgrams", "Tokenize"],
  ...["ChangeText", "RegexReplace", "TextLength", "TextPart", "SplitText", "HashBucket", "WordNgrams", "FormatNumber"],
  ...["RaggedDense", "RaggedRows", "FillEmptyRows", "CombinedSuppression", "SuppressEach", "RandomGamma", "RandomPoisson"],
  "SeededRandom",
];

/** An operator that the user declares: the written module holds it to the types that were told. */
export const userOperator: Legalize = (b, inputs, at) => {
  const types = at.attrs["output_types"] as readonly Type[];
  const told = new LegalAt(at.node, { ...at.attrs, dtypes: types.map(({ dtype }) => borderType(dtype)) });
  return withBorderTypes(b, inputs, told);
};

/** As customops/bits.ts numbers them. */
const bitTypes: readonly DType[] = ["int8", "uint8", "int16", "uint16", "int32", "float32", "float16", "bfloat16", "int64"];

const equal: Legalize = (b, inputs, at) => {
  const [x, y] = inputs as [Value, Value];
  const lowest = allLowest(b, [x, y]) ?? allLowest(b, [y, x]);
  return lowest ? [lowest] : elementwise(b, inputs, at);
};

export const customs: readonly LegalRule[] = [
  ...direct.map((op) => {
    if (!customOps.has(op)) throw new Error(`no custom op ${op}`);
    return legal(op, (b, inputs, at) => at.same(b, inputs));
  }),
  ...(["Sequence", "Optional"] as const).map((op) =>
    legal(op, (_b, _inputs, at) => {
      throw at.unsupported(
        `an output that is ${op === "Sequence" ? "a sequence" : "optional"}`,
        "cut the graph before it with --outputs",
      );
    }),
  ),
  legal("MurmurHash3", (b, inputs, at) => {
    if (at.node.outputs[0]!.dtype === "uint32")
      throw at.unsupported(
        "hashes without a sign, which int32 does not hold",
        "set positive to 0, or follow it by a Mod or a mask of fewer bits",
      );
    return at.same(b, inputs);
  }),
  legal("Equal", (b, inputs, at) => (at.dtype() === "string" ? [b.op("StringEqual", inputs)] : equal(b, inputs, at))),
  legal("NotEqual", (b, inputs, at) =>
    at.dtype() === "string" ? [b.op("LogicalNot", [b.op("StringEqual", inputs)])] : elementwise(b, inputs, at),
  ),
  legal("Bitcast", (b, [x], at) => {
    const [from, to] = [at.dtype(), at.node.outputs[0]!.dtype];
    if (from === "float32" && to === "int32") return [b.op("BitcastToInt32", [x!])];
    if (from === "int32" && to === "float32") return [b.op("BitcastToFloat32", [x!])];
    const codes = [from, to].map((dtype) => bitTypes.indexOf(dtype));
    if (codes.some((code) => code < 0) || to === "int64")
      throw at.unsupported(`the bits of ${from} as ${to}, which TF.js does not have`);
    return [b.op("BitcastBytes", [x!], { from: codes[0]!, to: codes[1]! })];
  }),
];
