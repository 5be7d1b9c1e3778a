import { afterAll, beforeAll, expect, test } from "vitest";
import { AgainstLiteRt, type Trial } from "./against-litert.ts";
import { coded, codes, floats, result, vector } from "./values.ts";

let against: AgainstLiteRt;
beforeAll(async () => {
  against = await AgainstLiteRt.start();
});
afterAll(() => against.close());

const pool = (op: string, padding: string, dims: readonly number[]): [string, Trial] => [
  `${op} ${padding}`,
  {
    op,
    table: "Pool2DOptions",
    options: { padding, stride_w: 2, stride_h: 3, filter_width: 3, filter_height: 2 },
    fed: [floats([2, 7, 5, 3])],
    results: [result("float32", dims)],
  },
];
const resize = (op: string, size: readonly number[], options: Trial["options"]): [string, Trial] => [
  `${op} to ${size} ${JSON.stringify(options)}`,
  {
    op,
    table: op === "RESIZE_BILINEAR" ? "ResizeBilinearOptions" : "ResizeNearestNeighborOptions",
    options,
    fed: [floats([2, 7, 5, 3])],
    inputs: [0, vector("s", size)],
    results: [result("float32", [2, ...size, 3])],
  },
];
const centers = [{}, { align_corners: true }, { half_pixel_centers: true }];

test.each<[string, Trial]>([
  pool("AVERAGE_POOL_2D", "SAME", [2, 3, 3, 3]),
  pool("AVERAGE_POOL_2D", "VALID", [2, 2, 2, 3]),
  pool("MAX_POOL_2D", "SAME", [2, 3, 3, 3]),
  pool("MAX_POOL_2D", "VALID", [2, 2, 2, 3]),
  pool("L2_POOL_2D", "VALID", [2, 2, 2, 3]),
  ...centers.map((options): [string, Trial] => {
    const [name, trial] = resize("RESIZE_BILINEAR", [9, 4], options);
    const [fed, results] = [[codes([2, 7, 5, 3], 0.0001, 0, "int16")], [coded([2, 9, 4, 3], 0.0001, 0, "int16")]];
    return [`${name}, codes of 16 bits`, { ...trial, fed, results }];
  }),
  ...centers.flatMap((options) => [
    resize("RESIZE_BILINEAR", [13, 11], options),
    resize("RESIZE_BILINEAR", [4, 3], options),
    resize("RESIZE_NEAREST_NEIGHBOR", [13, 11], options),
    resize("RESIZE_NEAREST_NEIGHBOR", [4, 3], options),
    resize("RESIZE_NEAREST_NEIGHBOR", [14, 10], options),
  ]),
  [
    "AVERAGE_POOL_2D of codes",
    {
      op: "AVERAGE_POOL_2D",
      table: "Pool2DOptions",
      options: { padding: "SAME", stride_w: 2, stride_h: 2, filter_width: 3, filter_height: 2 },
      fed: [codes([1, 7, 5, 3], 0.02, 5)],
      results: [coded([1, 4, 3, 3], 0.02, 5)],
    },
  ],
  [
    "MAX_POOL_2D of codes",
    {
      op: "MAX_POOL_2D",
      table: "Pool2DOptions",
      options: { padding: "SAME", stride_w: 2, stride_h: 2, filter_width: 3, filter_height: 2 },
      fed: [codes([1, 7, 5, 3], 0.02, 5)],
      results: [coded([1, 4, 3, 3], 0.02, 5)],
    },
  ],
  [
    "RESIZE_BILINEAR of codes",
    {
      op: "RESIZE_BILINEAR",
      table: "ResizeBilinearOptions",
      options: { half_pixel_centers: true },
      fed: [codes([1, 7, 5, 3], 0.02, 5)],
      inputs: [0, vector("s", [14, 10])],
      results: [coded([1, 14, 10, 3], 0.02, 5)],
    },
  ],
])("%s", async (_, trial) => {
  expect(await against.differences(trial)).toEqual([]);
});
