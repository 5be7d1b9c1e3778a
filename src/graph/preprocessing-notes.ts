/** What a load snippet says of a model's image inputs, and of outputs whose classes have names. */
import type { Baked } from "./map.ts";
import type { Preprocessing } from "./preprocessing.ts";

/** What to feed an image input with. A model is anybody's text: nothing of it leaves its line. */
export function preprocessingNotes({
  preprocessing,
  baked,
  labels,
}: {
  readonly preprocessing?: unknown;
  readonly baked?: unknown;
  readonly labels?: unknown;
}): string[] {
  const notes = (Array.isArray(preprocessing) ? preprocessing : []).flatMap((each) => {
    const { input, inGraph, pixels, toFeed } = (each ?? {}) as Partial<Preprocessing>;
    const told = Object.values(pixels ?? {})
      .map(oneLine)
      .join(", ");
    return [
      ...(told ? [`${oneLine(input)}: pixels are ${told}, by the source's metadata`] : []),
      ...(toFeed ? [`${oneLine(input)}: feed ${arithmetic(toFeed)}, x a pixel from 0 to 255, by the source's metadata`] : []),
      ...(inGraph ? [`${oneLine(input)}: ${arithmetic(inGraph)} is part of the model; feed it what comes before`] : []),
    ];
  });
  for (const each of Array.isArray(labels) ? labels : []) {
    const { output, file } = (each ?? {}) as { readonly output?: unknown; readonly file?: unknown };
    notes.push(`${oneLine(output)}: its classes are named in ${oneLine(file)}, attached to the source`);
  }
  const { input, mean, std } = (baked ?? {}) as Partial<Baked>;
  return mean && std
    ? [...notes, `${oneLine(input)}: ${arithmetic({ mean, std })} is part of the model; feed pixels as they are`]
    : notes;
}

const arithmetic = ({ mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] }): string =>
  `(x - ${oneLine(mean)}) / ${oneLine(std)}`;
const oneLine = (value: unknown): string =>
  typeof value === "string" && /^[\w./:-]+$/.test(value) ? value : (JSON.stringify(value) ?? "?").replace(/[\u2028\u2029]/g, "?");
