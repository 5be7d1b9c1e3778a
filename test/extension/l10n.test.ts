import { expect, test } from "vitest";
import { pageLanguage } from "../../src/extension/l10n.ts";

const german: Readonly<Record<string, string>> = { Reload: "Neu laden", "{0} of {1}": "{0} von {1}", "of another part": "x" };

test("the page is told what is translated, placeholders as they are", () => {
  const editor = { l10n: { t: (message: string) => german[message] ?? message }, env: { language: "de" } };
  expect(pageLanguage(editor)).toEqual({ language: "de", messages: { Reload: "Neu laden", "{0} of {1}": "{0} von {1}" } });
});

test("where nothing is translated the page is English, whatever the editor's language", () => {
  const editor = { l10n: { t: (message: string) => message }, env: { language: "ja" } };
  expect(pageLanguage(editor)).toEqual({ language: "en", messages: {} });
});
