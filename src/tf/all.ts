/** Loads the op tables; whoever builds a graph imports this once. */
import "./cast.ts";
import "./elementwise.ts";
import "./shape.ts";
import "./slice.ts";
import "./join.ts";
import "./reduce.ts";
import "./nn.ts";
import "./scatter.ts";
import "./einsum.ts";
import "./control.ts";
import "./text.ts";
import "./random.ts";
import "./fused.ts";
import "./quantize.ts";
import "./detection.ts";
import "./special.ts";
import "./blocks.ts";
