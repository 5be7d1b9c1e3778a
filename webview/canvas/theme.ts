/** The canvas' colours and fonts, all from VS Code's variables; the shares are those of the design (docs: ui measures). */
import type { Category } from "../../src/protocol/views.ts";
import { css, over, parseColor, type Rgba } from "./color.ts";

export interface Theme {
  /** Borders instead of fills. */
  readonly highContrast: boolean;
  readonly reducedMotion: boolean;
  readonly background: string;
  readonly text: string;
  readonly dim: string;
  readonly nodeFill: string;
  readonly nodeBorder: string;
  readonly hoverBorder: string;
  readonly chip: string;
  readonly edge: string;
  readonly focus: string;
  readonly error: string;
  readonly warning: string;
  readonly errorFill: string;
  readonly warningFill: string;
  readonly accents: Readonly<Record<Category, string>>;
  readonly uiFont: string;
  readonly monoFont: string;
  /** `share` of blue (negative: within the tolerance) or red, -1 to 1, over the background; in high contrast a border of that colour. */
  tint(share: number): { readonly fill: string; readonly border?: string };
}

const accentVariables: Readonly<Record<Exclude<Category, "data">, string>> = {
  convolution: "--vscode-charts-blue",
  activation: "--vscode-charts-green",
  matmul: "--vscode-charts-purple",
  pooling: "--vscode-symbolIcon-classForeground",
  normalization: "--vscode-terminal-ansiCyan",
  control: "--vscode-terminal-ansiMagenta",
  shape: "--vscode-descriptionForeground",
};

/** By the system's setting or by VS Code's own. */
export const wantsLessMotion = (): boolean =>
  matchMedia("(prefers-reduced-motion: reduce)").matches || document.body.classList.contains("vscode-reduce-motion");

/** Read anew whenever the theme changes. */
export function readTheme(element: HTMLElement): Theme {
  const style = getComputedStyle(element);
  const variable = (name: string): Rgba | undefined => parseColor(style.getPropertyValue(name));
  const kind = document.body.classList;
  const highContrast = kind.contains("vscode-high-contrast") || kind.contains("vscode-high-contrast-light");
  const light = kind.contains("vscode-light") || kind.contains("vscode-high-contrast-light");
  const black: Rgba = { r: 0, g: 0, b: 0, a: 1 };
  const white: Rgba = { r: 255, g: 255, b: 255, a: 1 };
  const bg = variable("--vscode-editor-background") ?? (light ? white : black);
  const fg = variable("--vscode-editor-foreground") ?? variable("--vscode-foreground") ?? (light ? black : white);
  const share = (dark: number, bright: number): string => css(over(fg, light ? bright : dark, bg));
  const border = variable("--vscode-contrastBorder") ?? fg;
  const error = variable("--vscode-editorError-foreground") ?? fg;
  const warning = variable("--vscode-editorWarning-foreground") ?? fg;
  const blue = variable("--vscode-charts-blue") ?? fg;
  const description = variable("--vscode-descriptionForeground");
  const dim = highContrast ? over(fg, 0.86, bg) : light || !description ? over(fg, 0.8, bg) : over(description, 1, bg);
  const accents = { data: css(over(fg, 0.55, bg)) } as Record<Category, string>;
  for (const [category, name] of Object.entries(accentVariables))
    accents[category as Category] = css(variable(name) ?? over(fg, 0.55, bg));
  const problemFill = light ? 0.05 : 0.09;
  return {
    highContrast,
    reducedMotion: wantsLessMotion(),
    background: css(bg),
    text: css(fg),
    dim: css(dim),
    nodeFill: highContrast ? css(bg) : share(0.055, 0.025),
    nodeBorder: highContrast ? css(border) : share(0.17, 0.2),
    hoverBorder: highContrast ? css(variable("--vscode-contrastActiveBorder") ?? fg) : share(0.34, 0.4),
    chip: highContrast ? css(bg) : share(0.1, 0.06),
    edge: highContrast ? css(over(fg, 0.75, bg)) : share(0.44, 0.55),
    focus: css(variable("--vscode-focusBorder") ?? fg),
    error: css(error),
    warning: css(warning),
    errorFill: highContrast ? css(bg) : css(over(error, problemFill, bg)),
    warningFill: highContrast ? css(bg) : css(over(warning, problemFill, bg)),
    accents,
    uiFont: style.getPropertyValue("--vscode-font-family") || "system-ui, sans-serif",
    monoFont: style.getPropertyValue("--vscode-editor-font-family") || "monospace",
    tint: (value) =>
      highContrast
        ? { fill: css(bg), border: css(value <= 0 ? blue : error) }
        : {
            fill: css(
              value <= 0 ? over(blue, 0.26 + 0.16 * Math.max(-1, value), bg) : over(error, 0.14 + 0.36 * Math.min(1, value), bg),
            ),
          },
  };
}

/** Calls back when the theme, or the wish for less motion, changes. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  observer.observe(document.body, { attributes: true, attributeFilter: ["class", "data-vscode-theme-id"] });
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  motion.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    motion.removeEventListener("change", changed);
  };
}
