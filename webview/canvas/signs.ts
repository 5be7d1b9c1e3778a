/** Codicons on the canvas: a problem is told by a sign as well as by its colour. */
import type { Brush } from "./frame.ts";
import type { Sign } from "./marks.ts";

/** Code points of the codicon font. */
const glyphs: Readonly<Record<Sign, string>> = { error: "\uea87", warning: "\uea6c" };

/** Signs do not shrink with the zoom until they would overlap. */
export const signSize = (boxHeight: number): number => (boxHeight >= 20 ? 16 : 12);

/** Centred on (x, y). */
export function drawSign({ context, theme }: Brush, sign: Sign, x: number, y: number, size: number): void {
  context.globalAlpha = 1;
  context.font = `${size}px codicon`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = sign === "error" ? theme.error : theme.warning;
  context.fillText(glyphs[sign], x, y + 0.5);
}
