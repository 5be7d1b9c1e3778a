/** Transforms whose sizes are inputs. */
import { unknown } from "./dims.ts";
import { define } from "./op.ts";

define(
  // x [..., parts], the number of points or 0, the axis; attributes inverse, onesided. A constant axis tells the shape.
  {
    name: "FourierAlong",
    infer: (call) => {
      const shape = call.shape();
      const real = call.attr<boolean>("inverse") && call.attr<boolean>("onesided");
      const [axis] = call.numbers(2) ?? [];
      const along = axis !== undefined && axis < 0 ? axis + (shape?.length ?? 0) : axis;
      return [
        {
          dtype: call.dtype(),
          shape: shape?.map((dim, i) =>
            i === shape.length - 1 ? (real ? 1 : 2) : along === undefined || i === along ? undefined : dim,
          ),
        },
      ];
    },
  },
  // x [N, C · block, L], image sizes, block sizes; attributes strides, dilations, pads
  {
    name: "ColumnsToImage",
    infer: (call) => {
      const [count] = call.shape(1) ?? [];
      const sizes = call.dims(1) ?? (typeof count === "number" ? unknown(count) : undefined);
      return [{ dtype: call.dtype(), shape: sizes && [call.shape()?.[0], undefined, ...sizes] }];
    },
  },
);
