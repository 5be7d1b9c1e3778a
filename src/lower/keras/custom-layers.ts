/** Layers that are code of the user's: Keras keeps their configuration and weights, and TF.js wants a class to be registered for each. */
import { kerasRules } from "./rules.ts";

export const customLayersName = "custom-layers.mjs";

export interface CustomLayer {
  readonly className: string;
  /** As the layer must name them when it is built. */
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }[];
}

/** Neither a layer of Keras's own nor a model; a Lambda is code as well. */
export const isCustom = (op: string): boolean => op === "Lambda" || kerasRules.ladder("", op) === undefined;

/** `dense/kernel:0` → `kernel`; a number, as archives have them, → `weight_0`; no name twice. */
export function customWeightNames(stored: readonly string[]): readonly string[] {
  const names: string[] = [];
  for (const name of stored) {
    const last = name.split("/").at(-1)!.replace(/:\d+$/, "");
    const base = /^\d*$/.test(last) ? `weight_${last}` : last;
    let free = base;
    for (let i = 1; names.includes(free); i++) free = `${base}_${i}`;
    names.push(free);
  }
  return names;
}

/** A module that registers a class for each layer, with its weights; what it computes is left to be filled in, and until then it says so. */
export function customLayersModule(layers: readonly CustomLayer[]): string {
  const byClass = new Map(layers.map((layer) => [layer.className, layer]));
  return [
    "/** Layers of this model that TF.js does not have. Fill in call and computeOutputShape, then before tf.loadLayersModel:",
    ' *  import { register } from "./custom-layers.mjs"; register(tf); */',
    "export function register(tf) {",
    ...[...byClass.values()].flatMap(classText),
    "}",
    "",
  ].join("\n");
}

function classText({ className, weights }: CustomLayer): string[] {
  const name = className.replace(/\W/g, "_").replace(/^(?=\d|$)/, "_");
  // Names are the file's: they go into the text as strings and nothing else.
  const added = weights.map(
    ({ name: weight, shape, dtype }, i) =>
      `      this.own[${i}] = this.addWeight(${JSON.stringify(weight)}, ${JSON.stringify(shape)}, ${JSON.stringify(dtype)}, tf.initializers.zeros());`,
  );
  return [
    `  class ${name} extends tf.layers.Layer {`,
    `    static className = ${JSON.stringify(className)};`,
    "    constructor(config) {",
    "      super(config);",
    "      this.config = config;",
    "      this.own = [];",
    "    }",
    "    build(inputShape) {",
    ...added,
    "      super.build(inputShape);",
    "    }",
    "    computeOutputShape(inputShape) {",
    "      return inputShape;",
    "    }",
    "    call(inputs) {",
    `      throw new Error(${JSON.stringify(`what the layer ${className} computes is to be filled in`)});`,
    "    }",
    "    getConfig() {",
    "      return { ...super.getConfig(), ...this.config };",
    "    }",
    "  }",
    `  tf.serialization.registerClass(${name});`,
  ];
}
