/** The four default themes that every view must look right in. */
export const themes = {
  dark: "Default Dark Modern",
  light: "Default Light Modern",
  "contrast-dark": "Default High Contrast",
  "contrast-light": "Default High Contrast Light",
} as const;

export type Theme = keyof typeof themes;

export const themeSettings = (theme: Theme): Record<string, unknown> => ({
  "workbench.colorTheme": themes[theme],
  // Else the headless browser's own preference may win.
  "window.autoDetectColorScheme": false,
  "window.autoDetectHighContrast": false,
});
