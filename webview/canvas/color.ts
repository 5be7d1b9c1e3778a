/** Colours as numbers, so that a share of one over another can be computed once a theme rather than blended in every frame. */

export interface Rgba {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  /** 0 to 1. */
  readonly a: number;
}

/** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()` and `rgba()`: what VS Code's variables hold. Undefined for anything else. */
export function parseColor(text: string): Rgba | undefined {
  const value = text.trim().toLowerCase();
  const hex = /^#([0-9a-f]{3,8})$/.exec(value)?.[1];
  if (hex) {
    const wide = hex.length <= 4 ? [...hex].map((digit) => digit + digit).join("") : hex;
    if (wide.length !== 6 && wide.length !== 8) return undefined;
    const at = (i: number): number => Number.parseInt(wide.slice(i, i + 2), 16);
    return { r: at(0), g: at(2), b: at(4), a: wide.length === 8 ? at(6) / 255 : 1 };
  }
  const parts = /^rgba?\(([^)]+)\)$/.exec(value)?.[1]?.split(/[\s,/]+/).filter((part) => part); // biome-ignore format: one chain
  if (!parts || parts.length < 3) return undefined;
  const number = (part: string | undefined, scale: number): number =>
    part?.endsWith("%") ? (Number.parseFloat(part) / 100) * scale : Number.parseFloat(part ?? "");
  const [r, g, b] = parts.slice(0, 3).map((part) => number(part, 255)) as [number, number, number];
  const a = parts[3] === undefined ? 1 : number(parts[3], 1);
  return [r, g, b, a].every(Number.isFinite) ? { r, g, b, a } : undefined;
}

/** `share` (0 to 1) of a colour over another, opaque where the other is. */
export function over(color: Rgba, share: number, under: Rgba): Rgba {
  const a = color.a * share;
  const mix = (top: number, bottom: number): number => top * a + bottom * (1 - a);
  return { r: mix(color.r, under.r), g: mix(color.g, under.g), b: mix(color.b, under.b), a: a + under.a * (1 - a) };
}

export function css({ r, g, b, a }: Rgba): string {
  const [red, green, blue] = [r, g, b].map(Math.round);
  return a >= 1 ? `rgb(${red}, ${green}, ${blue})` : `rgba(${red}, ${green}, ${blue}, ${Math.round(a * 1000) / 1000})`;
}
