/** Which hub ops have no way to ONNX: the list is held here, so that it is seen when it grows or shrinks. */
import { expect, it } from "vitest";
import "../../src/legalize/legalize.ts";
import "../../src/tf/all.ts";
import { decomposeRules } from "../../src/raise/decompose/rules.ts";
import { emitRules } from "../../src/raise/emit/rules.ts";
import { definedOps } from "../../src/tf/op.ts";

/** Constants and inputs are no nodes; the others are made by the rewrites for TF.js alone. */
const elsewhere = `
  Const Placeholder _FusedConv2D FusedDepthwiseConv2dNative _FusedMatMul Narrow StringEqual StringGather NumberToText TextToNumber
  BitcastBytes BitcastToInt32 BitcastToFloat32
`;

/** ONNX has no operator, and none of its operators make one up. */
const refused = `
  Complex Real Imag MurmurHash3 HashBucket
  Tokenize ChangeText RegexReplace TextLength TextPart SplitText WordNgrams FormatNumber
  RaggedDense RaggedRows FillEmptyRows
  TruncatedNormal RandomGamma RandomPoisson SeededRandom
  BlockRepeats CoupledProbabilities TimeWarp
  CombinedSuppression ImageProjectiveTransformV3
  Lgamma Digamma Polygamma Zeta Igamma Igammac Betainc Cholesky Lu Qr SingularValues
`;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

it("every hub op but these is raised", () => {
  const left = definedOps().filter((op) => !decomposeRules.has(op) && !emitRules.has(op) && !words(elsewhere).includes(op));
  expect([...left].sort()).toEqual([...words(refused)].sort());
});
