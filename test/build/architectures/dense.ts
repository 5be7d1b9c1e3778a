/** Dense prediction: U-Net, DeepLab's head, a YOLO detector with NonMaxSuppression. */

import { float, tensor } from "../onnx.ts";
import { type Architecture, architecture, type Net } from "./net.ts";

const sized = {
  sizes: [
    { batch_size: 2, height: 33, width: 47 },
    { batch_size: 1, height: 40, width: 24 },
  ],
} as const;

/** F.pad brings what was upsampled to the skip's size: the pads are computed from both shapes. */
export function uNet(): Architecture {
  const double = (net: Net, x: string, from: number, to: number) =>
    net.op("Relu", [net.conv(net.op("Relu", [net.conv(x, from, to, 3, { pad: 1 })]), to, to, 3, { pad: 1 })]);
  const half = (net: Net, x: string) =>
    net.op("MaxPool", [x], { ceil_mode: 0, kernel_shape: [2, 2], pads: [0, 0, 0, 0], strides: [2, 2] });
  const up = (net: Net, x: string, skip: string, from: number, to: number) => {
    const weights = [net.weight("up.weight", [from, to, 2, 2], Math.sqrt(3 / from)), net.weight("up.bias", [to], 0.1)];
    const y = net.op("ConvTranspose", [x, ...weights], {
      dilations: [1, 1],
      group: 1,
      kernel_shape: [2, 2],
      pads: [0, 0, 0, 0],
      strides: [2, 2],
    });
    const missing = (axis: number) => net.op("Sub", [net.size(skip, axis), net.size(y, axis)]);
    const [rows, columns] = [missing(2), missing(3)];
    const before = (all: string) => net.op("Div", [all, net.int(2)]);
    const after = (all: string) => net.op("Sub", [all, before(all)]);
    // F.pad's order is last axis first; the exporter pads the list with zeroes and turns it round.
    const list = net.shape(before(columns), after(columns), before(rows), after(rows));
    const whole = net.op("Concat", [list, net.op("ConstantOfShape", [net.ints(4)], { value: tensor("", "int64", [1], [0]) })], {
      axis: 0,
    });
    const turned = net.slice(net.op("Reshape", [whole, net.ints(-1, 2)], { allowzero: 0 }), -1, -(2 ** 53), 0, -1);
    const pads = net.op("Reshape", [net.permute(turned, 1, 0), net.ints(-1)], { allowzero: 0 });
    const padded = net.op("Pad", [y, net.op("Cast", [pads], { to: 7 }), ""], { mode: "constant" });
    return double(net, net.op("Concat", [skip, padded], { axis: 1 }), to * 2, to);
  };
  return architecture("U-Net", sized, (net) => {
    const x = net.input("input", "float32", ["batch_size", 3, "height", "width"]);
    const a = net.within("inc", () => double(net, x, 3, 5));
    const c = net.within("down1", () => double(net, half(net, a), 5, 8));
    const d = net.within("down2", () => double(net, half(net, c), 8, 12));
    const e = net.within("up1", () => up(net, d, c, 12, 8));
    const f = net.within("up2", () => up(net, e, a, 8, 5));
    return { output: { value: net.within("outc", () => net.conv(f, 5, 2, 1)), shape: ["batch_size", 2, "height", "width"] } };
  });
}

/** Atrous branches, one of them pooled to a point and resized back; the result resized to the input's own size. */
export function deepLab(): Architecture {
  const resizeLike = (net: Net, x: string, like: string) => {
    const lead = net.slice(net.op("Shape", [x]), 0, 2, 0);
    const size = net.op("Cast", [net.shape(net.size(like, 2), net.size(like, 3))], { to: 7 });
    return net.op("Resize", [x, "", "", net.op("Concat", [lead, size], { axis: 0 })], {
      coordinate_transformation_mode: "pytorch_half_pixel",
      cubic_coeff_a: float(-0.75),
      mode: "linear",
      nearest_mode: "floor",
    });
  };
  return architecture("DeepLab", sized, (net) => {
    const x = net.input("input", "float32", ["batch_size", 3, "height", "width"]);
    let y = net.op("Relu", [net.conv(x, 3, 8, 3, { stride: 2, pad: 1 })]);
    y = net.op("Relu", [net.conv(y, 8, 8, 3, { stride: 2, pad: 1 })]);
    y = net.op("Relu", [net.conv(y, 8, 10, 3, { pad: 2, dilation: 2 })]);
    const branches = [
      net.op("Relu", [net.conv(y, 10, 6, 1)]),
      ...[2, 3, 4].map((dilation) => net.op("Relu", [net.conv(y, 10, 6, 3, { pad: dilation, dilation })])),
      resizeLike(net, net.op("Relu", [net.conv(net.op("GlobalAveragePool", [y]), 10, 6, 1)]), y),
    ];
    const joined = net.op("Relu", [net.conv(net.op("Concat", branches, { axis: 1 }), 30, 8, 1)]);
    const out = resizeLike(net, net.conv(joined, 8, 5, 1), x);
    return { output: { value: out, shape: ["batch_size", 5, "height", "width"] } };
  });
}

/** Two scales, boxes decoded with grids that the exporter stored, then NonMaxSuppression over all of them. */
export function yolo(): Architecture {
  const [kinds, anchors, size] = [3, 2, 32];
  const layer = (net: Net, x: string, from: number, to: number, kernel: number, stride = 1) =>
    net.silu(net.conv(x, from, to, kernel, { stride, pad: (kernel - 1) / 2 }));
  const csp = (net: Net, x: string, from: number, to: number) => {
    const a = layer(net, x, from, to / 2, 1);
    const y = net.op("Add", [a, layer(net, layer(net, a, to / 2, to / 2, 1), to / 2, to / 2, 3)]);
    return layer(net, net.op("Concat", [y, layer(net, x, from, to / 2, 1)], { axis: 1 }), to, to, 1);
  };
  const pyramid = (net: Net, x: string, channels: number) => {
    const pool = (y: string) =>
      net.op("MaxPool", [y], { ceil_mode: 0, kernel_shape: [5, 5], pads: [2, 2, 2, 2], strides: [1, 1] });
    const a = pool(x);
    const c = pool(a);
    return layer(net, net.op("Concat", [x, a, c, pool(c)], { axis: 1 }), channels * 4, channels, 1);
  };
  const detect = (net: Net, x: string, from: number, cells: number) => {
    const each = 5 + kinds;
    const raw = net.view(net.conv(x, from, anchors * each, 1), -1, anchors, each, cells, cells);
    const y = net.op("Sigmoid", [net.permute(raw, 0, 1, 3, 4, 2)]);
    const [xy, wh, rest] = net.ops("Split", [y, net.ints(2, 2, kinds + 1)], { axis: 4 }, 3) as [string, string, string];
    const grid = net.constant("float32", [1, anchors, cells, cells, 2], places(cells));
    const sizes = net.constant("float32", [1, anchors, 1, 1, 2], [3, 5, 11, 7]);
    const centre = net.op("Mul", [net.op("Add", [net.op("Mul", [xy, net.float(2)]), grid]), net.float(size / cells)]);
    const span = net.op("Mul", [net.op("Pow", [net.op("Mul", [wh, net.float(2)]), net.float(2)]), sizes]);
    return net.view(net.op("Concat", [centre, span, rest], { axis: 4 }), -1, anchors * cells * cells, each);
  };
  const places = (cells: number) =>
    Array.from({ length: anchors * cells * cells }, (_, i) =>
      [i % cells, Math.floor(i / cells) % cells].map((at) => at - 0.5),
    ).flat();
  return architecture("YOLO", { sizes: [{}] }, (net) => {
    const x = net.input("images", "float32", [2, 3, size, size]);
    const stem = layer(net, layer(net, x, 3, 4, 3, 2), 4, 6, 3, 2);
    const p3 = net.within("model.4", () => csp(net, stem, 6, 8));
    const p4 = net.within("model.9", () => pyramid(net, csp(net, layer(net, p3, 8, 12, 3, 2), 12, 12), 12));
    const scales = net.constant("float32", [4], [1, 1, 2, 2]);
    const upsampled = net.op("Resize", [layer(net, p4, 12, 8, 1), "", scales], {
      coordinate_transformation_mode: "asymmetric",
      cubic_coeff_a: float(-0.75),
      mode: "nearest",
      nearest_mode: "floor",
    });
    const fused = net.within("model.13", () => csp(net, net.op("Concat", [upsampled, p3], { axis: 1 }), 16, 8));
    const heads = net.within("model.24", () => [detect(net, fused, 8, size / 4), detect(net, p4, 12, size / 8)]);
    const found = net.op("Concat", heads, { axis: 1 });
    const boxes = net.slice(found, 0, 4, 2);
    const scores = net.permute(net.op("Mul", [net.slice(found, 5, 2 ** 53, 2), net.slice(found, 4, 5, 2)]), 0, 2, 1);
    const limits = [net.ints(20), net.constant("float32", [1], [0.45]), net.constant("float32", [1], [0.2])];
    const selected = net.op("NonMaxSuppression", [boxes, scores, ...limits], { center_point_box: 1 });
    return {
      detections: { value: found, shape: [2, "boxes", 5 + kinds] },
      selected: { value: selected, dtype: "int64", shape: ["selected", 3] },
    };
  });
}
