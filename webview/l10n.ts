/** What the page says, in the editor's language where the host hands over a translation; else in English, the messages themselves. */
import { integer } from "../src/protocol/format.ts";
import { type PageMessage, pageMessages, type Translation } from "../src/protocol/page-messages.ts";

const translation = typeof document === "undefined" ? {} : parseTranslation(document.body.dataset["messages"]);

/** The message with `{0}`, `{1}` … replaced by what it is given; a text that is put in is not looked at again. */
export const t = (message: PageMessage, ...values: (string | number)[]): string => fill(translation[message] ?? message, values);

/** `{0}` is the number; `values` are `{1}` and on. */
export const counted = (value: number, one: PageMessage, many: PageMessage, ...values: string[]): string =>
  t(value === 1 ? one : many, integer(value), ...values);

/** A placeholder that has no value stays as it is. */
export const fill = (message: string, values: readonly (string | number)[]): string =>
  message.replace(/\{(\d+)\}/g, (placeholder, index) => String(values[Number(index)] ?? placeholder));

/** Of JSON: the messages that the page knows, and of those only what is text. Nothing given is nothing translated. */
export function parseTranslation(json: string | undefined): Translation {
  const given: unknown = json ? JSON.parse(json) : {};
  const known = new Map<string, unknown>(typeof given === "object" && given !== null ? Object.entries(given) : []);
  return Object.fromEntries(
    pageMessages.flatMap((message) => {
      const text = known.get(message);
      return typeof text === "string" && text !== "" ? [[message, text]] : [];
    }),
  );
}
