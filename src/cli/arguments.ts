/**
 * The arguments as they were typed. cac takes whatever looks like a number for one (`--out 007` is 7, `--outputs ""` is 0) and the
 * argument after a flag for its value, so values go through it marked, and models go before the options.
 */
import { UsageError } from "./usage.ts";

/** No argument of a process holds this character. */
const MARK = "\0";

/** Options that add up; of any other, two values contradict each other. */
const repeatable = new Set(["input", "outputs", "quantize", "tags", "metadata"]);

/** @param takesValue does the option of this name, without its dashes, have a value? */
export function marked(args: readonly string[], takesValue: (name: string) => boolean): string[] {
  const models: string[] = [];
  const options: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [, name, given] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) (/^-./.test(arg) ? options : models).push(arg);
    else if (!takesValue(name)) options.push(arg);
    else {
      const next = args[i + 1];
      const value = given ?? (next?.startsWith("--") ? undefined : next);
      if (given === undefined && value !== undefined) i++;
      options.push(value === undefined ? `--${name}` : `--${name}=${MARK}${value}`);
    }
  }
  return [...models, ...options];
}

/** What cac made of marked values, without the marks. A `UsageError` where an option is given twice that has one value. */
export function unmarked(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      if (!Array.isArray(value) || name === "--") return [name, typed(value)];
      if (!repeatable.has(name))
        throw new UsageError(`--${dashed(name)} is given more than once: ${value.map(typed).join(", ")}`);
      return [name, value.map(typed)];
    }),
  );
}

const typed = (value: unknown): unknown => (typeof value === "string" && value.startsWith(MARK) ? value.slice(1) : value);

/** `splitByLayer` → `split-by-layer`. */
export const dashed = (option: string): string => option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
