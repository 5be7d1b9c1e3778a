/** The editor's language, for the pages: they cannot ask `vscode.l10n` themselves. */
import type * as vscode from "vscode";
import { pageMessages, type Translation } from "../protocol/page-messages.ts";

interface Editor {
  readonly l10n: { t(message: string): string };
  readonly env: Pick<typeof vscode.env, "language">;
}

/** What a page's frame is told of it. Messages are empty, and the language is English, where nothing is translated. */
export function pageLanguage({ l10n, env }: Editor): { readonly language: string; readonly messages: Translation } {
  const translated = pageMessages.flatMap((message) => {
    const text = l10n.t(message);
    return text === message ? [] : [[message, text] as const];
  });
  return { language: translated.length > 0 ? env.language : "en", messages: Object.fromEntries(translated) };
}
