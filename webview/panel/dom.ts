/** Elements from data. Text becomes text nodes only: nothing of a model is ever parsed as HTML. */
import { t } from "../l10n.ts";

export type Child = Node | string | false | undefined;

interface Properties {
  readonly class?: string;
  readonly title?: string;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  /** Attributes as they are; an absent one is left out. */
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly style?: Readonly<Record<string, string>>;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties?: Properties,
  ...children: Child[]
): HTMLElementTagNameMap[K];
export function h(tag: string, properties?: Properties, ...children: Child[]): HTMLElement;
export function h(tag: string, properties: Properties = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  if (properties.class) element.className = properties.class;
  if (properties.title) element.title = properties.title;
  for (const [name, value] of Object.entries(properties.attributes ?? {}))
    if (value !== undefined) element.setAttribute(name, value);
  for (const [name, value] of Object.entries(properties.style ?? {})) element.style.setProperty(name, value);
  for (const [name, handler] of Object.entries(properties.on ?? {})) element.addEventListener(name, handler);
  for (const child of children) if (child !== false && child !== undefined) element.append(child);
  return element;
}

/** A codicon; `label` where it stands alone. */
export function icon(name: string, kind?: "error" | "warning" | "info" | "pass", label?: string): HTMLElement {
  return h("span", {
    class: `codicon codicon-${name}${kind ? ` is-${kind}` : ""}`,
    attributes: label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" },
  });
}

export const signIcon = (severity: "error" | "warning" | "info"): HTMLElement => icon(severity, severity, t(severity));

/** Looks like a link, is a button: it goes to a place in this page. */
export function link(text: string, go: () => void, title = text): HTMLElement {
  return h("button", { class: "link mono", title, attributes: { type: "button" }, on: { click: go } }, text);
}

export function button(
  text: string,
  action: () => void,
  kind: "primary" | "secondary" = "secondary",
  iconName?: string,
): HTMLElement {
  return h(
    "vscode-button",
    { attributes: { ...(kind === "secondary" ? { secondary: "" } : {}), icon: iconName }, on: { click: action } },
    text,
  );
}

/** An icon that does something; `label` is its name and its tip. */
export function tool(iconName: string, label: string, action: () => void): HTMLElement {
  return h("vscode-toolbar-button", { title: label, attributes: { icon: iconName, label }, on: { click: action } });
}

/** A part of the details with a head; `note` stands right of it. */
export function section(title: string, note: string | undefined, ...children: Child[]): HTMLElement {
  return h(
    "section",
    { class: "section" },
    h("h3", {}, h("span", {}, title), note !== undefined && h("span", { class: "note" }, note)),
    ...children,
  );
}

/** A name, what it is, and a note at the right. */
export function row(name: string, value: Child, note?: Child): HTMLElement {
  return h(
    "div",
    { class: "row" },
    h("span", { class: "name", title: name }, name),
    h("span", { class: "value mono", ...(typeof value === "string" ? { title: value } : {}) }, value),
    note !== undefined && h("span", { class: "note mono" }, note),
  );
}
