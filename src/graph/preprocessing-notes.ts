/** What a load snippet says of a model's image inputs. */
import type { Baked } from "./map.ts";
import type { Preprocessing } from "./preprocessing.ts";

/** What to feed an image input with. A model is anybody's text: nothing of it leaves its line. */
export function preprocessingNotes({
  preprocessing,
  baked,
}: {
  readonly preprocessing?: unknown;
  readonly baked?: unknown;
}): string[] {
  const notes = (Array.isArray(preprocessing) ? preprocessing : []).flatMap((each) => {
    const { input, inGraph, pixels } = (each ?? {}) as Partial<Preprocessing>;
    const told = Object.values(pixels ?? {})
      .map(oneLine)
      .join(", ");
    return [
      ...(told ? [`${oneLine(input)}: pixels are ${told}, by the source's metadata`] : []),
      ...(inGraph ? [`${oneLine(input)}: ${arithmetic(inGraph)} is part of the model; feed it what comes before`] : []),
    ];
  });
  const { input, mean, std } = (baked ?? {}) as Partial<Baked>;
  return mean && std
    ? [...notes, `${oneLine(input)}: ${arithmetic({ mean, std })} is part of the model; feed pixels as they are`]
    : notes;
}

const arithmetic = ({ mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] }): string =>
  `(x - ${oneLine(mean)}) / ${oneLine(std)}`;
const oneLine = (value: unknown): string =>
  typeof value === "string" && /^[\w./:-]+$/.test(value) ? value : (JSON.stringify(value) ?? "?").replace(/[\u2028\u2029]/g, "?");
