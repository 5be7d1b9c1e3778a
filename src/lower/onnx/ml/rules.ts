/** ai.onnx.ml. */
import { encode } from "./encode.ts";
import { linear } from "./linear.ts";
import { scale } from "./scale.ts";
import { svm } from "./svm.ts";
import { trees } from "./tree.ts";

export const ml = [...linear, ...scale, ...encode, ...trees, ...svm];
