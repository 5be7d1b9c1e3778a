/** `inspect`: what a model file is and holds. */
import type { Preprocessing } from "../graph/preprocessing.ts";
import { inspect, unreadable } from "../inspect.ts";
import { bytes, count, shape as showShape } from "../protocol/format.ts";
import { openFile, sourcesBeside } from "./files.ts";
import { read } from "./read.ts";
import { problemLines, type Told } from "./report.ts";

export async function inspectModel(file: string): Promise<Told> {
  const report = await openFile(file).then((source) => inspect(source, sourcesBeside(file)), unreadable);
  if (report.format === "unknown") return { report, text: () => problemLines(report.problems) };
  const values = (title: string, list: typeof report.inputs) =>
    list.map(({ name, dtype, shape }) => `  ${title} ${name}: ${dtype ?? "?"} ${shape ? showShape(shape) : "?"}`);
  const steps = (report.pipeline?.components ?? []).map(({ path, name, columns }) => {
    const depth = path.split("/").length;
    return `  ${"  ".repeat(depth)}${name}${columns.length > 0 ? `: ${columns.join(", ")}` : ""}`;
  });
  const ops = Object.entries(report.ops).map(([op, count]) => `${op} ${count}`);
  return {
    report,
    text: () => [
      report.diagnosis,
      `  ${count(report.nodes)} nodes, ${count(report.parameters)} parameters, ${bytes(report.weightBytes)}`,
      ...values("input ", report.inputs),
      ...values("output", report.outputs),
      ...report.preprocessing.map(preprocessingLine),
      ...(steps.length > 0 ? ["  pipeline:", ...steps] : ops.length > 0 ? [`  ops: ${ops.join(", ")}`] : []),
      ...problemLines(report.problems),
    ],
  };
}

function preprocessingLine({ input, inGraph, pixels, toFeed }: Preprocessing): string {
  const fed = toFeed ? [`fed with (pixels - mean) / std: mean ${toFeed.mean.join(" ")}, std ${toFeed.std.join(" ")}`] : [];
  const told = pixels ? [`pixels ${Object.values(pixels).join(", ")}`] : [];
  const done = inGraph
    ? [`normalised by ${inGraph.nodes.join(", ")}: mean ${inGraph.mean.join(" ")}, std ${inGraph.std.join(" ")}`]
    : [];
  return `  image ${input}: ${[...told, ...fed, ...done].join("; ")}`;
}

/** The text projection, whole. */
export async function textOf({ path: file }: { readonly path: string }): Promise<Told> {
  const { model } = await read(file);
  const { projectText } = await import("../text/project.ts");
  return { report: { format: model.dialect, ok: true, problems: model.problems, ms: {} }, text: () => [projectText(model).text] };
}
