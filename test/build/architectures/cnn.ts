/** Classifiers: MobileNetV2, ResNet-50, an EfficientNet, ConvNeXt; few channels, all their depth. */
import { type Architecture, architecture, type Net } from "./net.ts";

const image = (net: Net, size: number | string = 32) => net.input("input", "float32", ["batch_size", 3, size, size]);
const classes = (value: string, count = 11) => ({ output: { value, shape: ["batch_size", count] } });
const batches = { sizes: [{ batch_size: 2 }, { batch_size: 1 }] } as const;

function pooled(net: Net, x: string): string {
  return net.op("Flatten", [net.op("GlobalAveragePool", [x])], { axis: 1 });
}

/** Expansion, channels, blocks and stride of each stage, between the first and the last convolution. */
interface MobileNet {
  readonly size: number;
  readonly first: number;
  readonly stages: readonly (readonly [expand: number, to: number, count: number, stride: number])[];
  readonly last: number;
  readonly classes: number;
}

const smallMobileNet: MobileNet = {
  size: 32,
  first: 8,
  stages: [
    [1, 4, 1, 1],
    [6, 6, 2, 2],
    [6, 8, 3, 2],
    [6, 12, 4, 2],
    [6, 14, 3, 1],
    [6, 20, 3, 2],
    [6, 24, 1, 1],
  ],
  last: 40,
  classes: 11,
};

/** As published: 3.5 million weights, 14 MB. */
export const wholeMobileNet: MobileNet = {
  size: 224,
  first: 32,
  stages: [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ],
  last: 1280,
  classes: 1000,
};

/** BatchNormalization unfolded, ReLU6 as Clip with Constant bounds. */
export function mobileNetV2(shape: MobileNet = smallMobileNet): Architecture {
  const layer = (net: Net, x: string, from: number, to: number, kernel: number, stride: number, group: number, relu = true) => {
    const y = net.batchNorm(net.conv(x, from, to, kernel, { stride, pad: (kernel - 1) / 2, group, bias: false }), to);
    return relu ? net.op("Clip", [y, net.float(0), net.float(6)]) : y;
  };
  const inverted = (net: Net, x: string, from: number, to: number, stride: number, expand: number) => {
    const inner = from * expand;
    const wide = expand === 1 ? x : layer(net, x, from, inner, 1, 1, 1);
    const y = layer(net, layer(net, wide, inner, inner, 3, stride, inner), inner, to, 1, 1, 1, false);
    return stride === 1 && from === to ? net.op("Add", [x, y]) : y;
  };
  return architecture("MobileNetV2", batches, (net) => {
    let x = layer(net, image(net, shape.size), 3, shape.first, 3, 2, 1);
    let from = shape.first;
    for (const [stage, [expand, to, count, stride]] of shape.stages.entries())
      for (let i = 0; i < count; i++) {
        x = net.within(`features/features.${stage}.${i}`, () => inverted(net, x, from, to, i === 0 ? stride : 1, expand));
        from = to;
      }
    const y = net.within("classifier", () =>
      net.gemm(pooled(net, layer(net, x, from, shape.last, 1, 1, 1)), shape.last, shape.classes),
    );
    return classes(y, shape.classes);
  });
}

/** BatchNormalization folded by the exporter. */
export function resNet50(): Architecture {
  const bottleneck = (net: Net, x: string, from: number, width: number, stride: number, project: boolean) => {
    const to = width * 4;
    const a = net.op("Relu", [net.conv(x, from, width, 1)]);
    const c = net.op("Relu", [net.conv(a, width, width, 3, { stride, pad: 1 })]);
    const y = net.conv(c, width, to, 1);
    return net.op("Relu", [net.op("Add", [y, project ? net.conv(x, from, to, 1, { stride }) : x])]);
  };
  return architecture("ResNet-50", batches, (net) => {
    let x = net.op("Relu", [net.conv(image(net, 64), 3, 8, 7, { stride: 2, pad: 3 })]);
    x = net.op("MaxPool", [x], { ceil_mode: 0, kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
    let from = 8;
    for (const [stage, count] of [3, 4, 6, 3].entries())
      for (let i = 0; i < count; i++) {
        const width = 4 << stage;
        const stride = stage > 0 && i === 0 ? 2 : 1;
        x = net.within(`layer${stage + 1}/layer${stage + 1}.${i}`, () => bottleneck(net, x, from, width, stride, i === 0));
        from = width * 4;
      }
    return classes(net.within("fc", () => net.gemm(pooled(net, x), from, 11)));
  });
}

/** MBConv with squeeze and excitation; SiLU as Mul by Sigmoid. */
export function efficientNet(): Architecture {
  const block = (net: Net, x: string, from: number, to: number, kernel: number, stride: number) => {
    const inner = from * 4;
    const wide = net.silu(net.conv(x, from, inner, 1));
    const deep = net.silu(net.conv(wide, inner, inner, kernel, { stride, pad: (kernel - 1) / 2, group: inner }));
    const squeezed = net.silu(net.conv(net.op("GlobalAveragePool", [deep]), inner, 3, 1));
    const scale = net.op("Sigmoid", [net.conv(squeezed, 3, inner, 1)]);
    const y = net.conv(net.op("Mul", [scale, deep]), inner, to, 1);
    return stride === 1 && from === to ? net.op("Add", [y, x]) : y;
  };
  return architecture("EfficientNet", batches, (net) => {
    let x = net.silu(net.conv(image(net), 3, 6, 3, { stride: 2, pad: 1 }));
    let from = 6;
    for (const [i, [to, kernel, stride]] of (
      [
        [6, 3, 1],
        [10, 5, 2],
        [10, 5, 1],
        [14, 3, 2],
      ] as const
    ).entries()) {
      x = net.within(`features/features.${i}`, () => block(net, x, from, to, kernel, stride));
      from = to;
    }
    return classes(net.gemm(pooled(net, net.silu(net.conv(x, from, 30, 1))), 30, 11));
  });
}

/** Depthwise 7 × 7, then LayerNorm and two Linears over channels that the source itself moves last. */
export function convNeXt(): Architecture {
  const norm2d = (net: Net, x: string, channels: number) =>
    net.permute(net.layerNorm(net.permute(x, 0, 2, 3, 1), channels, 1e-6), 0, 3, 1, 2);
  const block = (net: Net, x: string, channels: number) => {
    const deep = net.permute(net.conv(x, channels, channels, 7, { pad: 3, group: channels }), 0, 2, 3, 1);
    const wide = net.gelu(net.linear(net.layerNorm(deep, channels, 1e-6), channels, channels * 4));
    const y = net.permute(net.linear(wide, channels * 4, channels), 0, 3, 1, 2);
    return net.op("Add", [net.op("Mul", [net.weight("layer_scale", [channels, 1, 1], 0.5, 0.6), y]), x]);
  };
  return architecture("ConvNeXt", batches, (net) => {
    let x = norm2d(net, net.conv(image(net), 3, 6, 4, { stride: 4 }), 6);
    for (let i = 0; i < 2; i++) x = net.within(`stages.0.${i}`, () => block(net, x, 6));
    x = net.conv(norm2d(net, x, 6), 6, 12, 2, { stride: 2 });
    for (let i = 0; i < 2; i++) x = net.within(`stages.1.${i}`, () => block(net, x, 12));
    const last = net.op("Flatten", [norm2d(net, net.op("GlobalAveragePool", [x]), 12)], { axis: 1 });
    return classes(net.within("head", () => net.gemm(last, 12, 11)));
  });
}
