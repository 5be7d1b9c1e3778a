/** All that ML.NET's exporter writes, by its source code. */
import { expect, it } from "vitest";
import { refusedOps } from "../../../src/lower/onnx/refused.ts";
import { onnxRules } from "../../../src/lower/onnx/rules.ts";

const written: Readonly<Record<string, string>> = {
  "": `Abs Add ArgMax ArgMin BitShift Cast Clip Concat Div Equal Exp Gather GatherElements Gemm Greater Identity IsNaN Log Max Mul Not Pow
    ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Reshape Scale Sigmoid Sqrt Squeeze StringNormalizer Sub Sum TfIdfVectorizer
    Transpose Unsqueeze Xor`,
  "ai.onnx.ml": `Binarizer FeatureVectorizer Imputer LabelEncoder LinearClassifier LinearRegressor Normalizer OneHotEncoder Scaler
    TreeEnsembleRegressor`,
  "com.microsoft": "ExpandDims MurmurHash3 Tokenizer",
};
const ops = Object.entries(written).flatMap(([domain, names]) => names.split(/\s+/).map((op) => ({ domain, op })));

it("has a row for each of the 52 operators, at the opsets it writes", () => {
  expect(ops).toHaveLength(52);
  const opsets: Readonly<Record<string, number>> = { "": 12, "ai.onnx.ml": 2, "com.microsoft": 1 };
  expect(ops.filter(({ domain, op }) => !onnxRules.find(domain, op, opsets[domain]!))).toEqual([]);
});

it("refuses none of them", () => {
  const refused = ops.filter(({ domain, op }) => refusedOps.has(domain === "" ? op : `${domain}.${op}`));
  expect(refused.map(({ op }) => op)).toEqual([]);
});
