/** The pages' frame: strict content security policy, one script, one style sheet; the script draws the rest. */
import type { Translation } from "../protocol/page-messages.ts";

export interface PageOptions {
  readonly title: string;
  /** Of the messages, as a BCP 47 tag. */
  readonly language: string;
  /** For the script, which reads them as data. */
  readonly messages: Translation;
  /** `webview.cspSource`. */
  readonly cspSource: string;
  /** As webview URIs. */
  readonly script: string;
  readonly styles: readonly string[];
  /** Hosts WebAssembly (never plain `eval`). */
  readonly wasm?: boolean;
  /** Imports modules that it makes itself: a model's custom ops. */
  readonly blobScripts?: boolean;
  readonly nonce: string;
  readonly body?: string;
}

export function pageHtml(options: PageOptions): string {
  const { title, language, messages, cspSource, script, styles, wasm, blobScripts, nonce, body = "" } = options;
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'${wasm ? " 'wasm-unsafe-eval'" : ""}${blobScripts ? " blob:" : ""}`,
    // @vscode-elements styles its shadow roots; style attributes are set by script, which needs no grant.
    `style-src ${cspSource} 'nonce-${nonce}'`,
    `font-src ${cspSource}`,
    `img-src ${cspSource} blob: data:`,
  ].join("; ");
  const links = styles.map((href) => {
    // The icon component looks its font's style sheet up by this id.
    const id = href.endsWith("codicon.css") ? ' id="vscode-codicon-stylesheet"' : "";
    return `<link rel="stylesheet" href="${attribute(href)}"${id}>`;
  });
  return `<!DOCTYPE html>
<html lang="${attribute(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${attribute(title)}</title>
${links.join("\n")}
</head>
<body data-messages="${attribute(JSON.stringify(messages))}">${body}
<script nonce="${nonce}" type="module" src="${attribute(script)}"></script>
</body>
</html>`;
}

function attribute(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** 128 random bits, base 64 without padding. */
export function nonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replace(/=+$/, "");
}
