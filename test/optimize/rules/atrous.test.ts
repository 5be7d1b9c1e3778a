import { expect, test } from "vitest";
import type { Value } from "../../../src/graph/graph.ts";
import { dilate } from "../../../src/optimize/rules/atrous.ts";
import type { Builder } from "../../../src/tf/build.ts";
import { counted, float, graphOf, rewritten, weights } from "../run.ts";

interface Blocks {
  readonly block: readonly number[];
  readonly pads: readonly number[];
  readonly crops: readonly number[];
  readonly padding?: string;
  readonly unblock?: readonly number[];
}

const edges = (b: Builder, list: readonly number[]): Value => b.reshape(b.ints(list), [list.length / 2, 2]);

function atrous(
  b: Builder,
  kind: "Conv2D" | "DepthwiseConv2dNative",
  { block, pads, crops, padding = "VALID", unblock = block }: Blocks,
): Value {
  const x = float(b, "x", [2, 7, 9, 3]);
  const spread = b.op("SpaceToBatchND", [x, b.ints(block), edges(b, pads)]);
  const conv = b.op(kind, [spread, weights(b, [3, 2, 3, kind === "Conv2D" ? 5 : 2])], { strides: [1, 1, 1, 1], padding });
  return b.op("BatchToSpaceND", [conv, b.ints(unblock), edges(b, crops)]);
}

/** As TensorFlow writes SAME: padded to whole blocks, and what that was too much is cropped. */
const same: Blocks = { block: [2, 3], pads: [2, 3, 1, 5], crops: [0, 1, 0, 3] };

for (const kind of ["Conv2D", "DepthwiseConv2dNative"] as const)
  test(`blocks round a ${kind} become its dilation`, async () => {
    const { graph, ...found } = await rewritten(
      graphOf((b) => atrous(b, kind, same)),
      [dilate],
    );
    expect(found).toEqual({ ops: { [kind]: 1 }, fired: { dilate: 1 } });
    expect(graph.outputs[0]!.value.node.attrs).toMatchObject({
      dilations: [1, 2, 3, 1],
      explicit_paddings: [0, 0, 2, 2, 1, 2, 0, 0],
    });
  });

test("without padding it stays valid", async () => {
  const valid = { block: [2, 3], pads: [0, 1, 0, 0], crops: [0, 1, 0, 0] };
  const { graph } = await rewritten(
    graphOf((b) => atrous(b, "Conv2D", valid)),
    [dilate],
  );
  expect(graph.outputs[0]!.value.node.attrs["padding"]).toBe("VALID");
});

test("not where more is cropped than padded, blocks differ, or the convolution pads each block", () => {
  const fired = (blocks: Partial<Blocks>) =>
    counted(
      graphOf((b) => atrous(b, "Conv2D", { ...same, ...blocks })),
      [dilate],
    ).fired;
  expect(fired({})).toEqual({ dilate: 1 });
  expect(fired({ crops: [3, 1, 0, 3] })).toEqual({});
  expect(fired({ unblock: [3, 2] })).toEqual({});
  expect(fired({ padding: "SAME" })).toEqual({});
});
