/** Keys of the canvas. Tab is left alone: it goes on to the panel. */
import type { Step } from "./walk.ts";

export type KeyCommand =
  | { readonly kind: "walk"; readonly step: Step }
  | { readonly kind: "fit" | "in" | "out" | "whole" | "enter" | "leave" | "clear" }
  | { readonly kind: "problem"; readonly step: 1 | -1 }
  | { readonly kind: "pan"; readonly x: number; readonly y: number };

const steps: Readonly<Record<string, Step>> = {
  ArrowDown: "down",
  ArrowUp: "up",
  ArrowLeft: "left",
  ArrowRight: "right",
  PageDown: "next",
  PageUp: "previous",
  Home: "first",
  End: "last",
};

const panStep = 80;

/** Undefined for a key that is not ours. */
export function keyCommand(
  event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">,
): KeyCommand | undefined {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const step = steps[event.key];
  if (step && event.shiftKey && event.key.startsWith("Arrow")) {
    const x = step === "left" ? panStep : step === "right" ? -panStep : 0;
    const y = step === "up" ? panStep : step === "down" ? -panStep : 0;
    return { kind: "pan", x, y };
  }
  if (step) return { kind: "walk", step };
  switch (event.key) {
    case "f":
    case "F":
      return { kind: "fit" };
    case "+":
    case "=":
      return { kind: "in" };
    case "-":
      return { kind: "out" };
    case "0":
      return { kind: "whole" };
    case "Enter":
      return { kind: "enter" };
    case "Backspace":
      return { kind: "leave" };
    case "Escape":
      return { kind: "clear" };
    case "n":
      return { kind: "problem", step: 1 };
    case "N":
      return { kind: "problem", step: -1 };
    case "F8":
      return { kind: "problem", step: event.shiftKey ? -1 : 1 };
    default:
      return undefined;
  }
}
