import assert from "node:assert/strict";
import * as vscode from "vscode";
import { closeAll, model, openText, typed } from "./model.ts";

describe("the text of a model", () => {
  let document: vscode.TextDocument;
  before(async () => {
    document = await openText(model("digits.onnx"));
    await typed(document, "f32[batch,24,14,14]");
  });
  after(closeAll);

  /** Where `word` stands in the first line that holds `line`. */
  const place = (line: string, word: string): vscode.Position => {
    const lines = document.getText().split("\n");
    const row = lines.findIndex((text) => text.includes(line));
    assert.ok(row >= 0, `no line with ${line} in\n${document.getText().slice(0, 2000)}`);
    return new vscode.Position(row, lines[row]!.indexOf(word) + 1);
  };

  it("has its own language and cannot be written", async () => {
    assert.equal(document.languageId, "modelwright-text");
    assert.equal(vscode.workspace.fs.isWritableFileSystem(document.uri.scheme) ?? false, false);
  });

  it("has a symbol for every node", async () => {
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      "vscode.executeDocumentSymbolProvider",
      document.uri,
    );
    const names = symbols.flatMap((symbol) => [symbol, ...symbol.children]).map(({ name }) => name);
    for (const value of ["features.0.conv/Conv_out", "head/Gemm_out", "scores"])
      assert.ok(names.includes(value), `${value} in ${names}`);
  });

  it("leads from the use of a value to where it is made", async () => {
    const use = place("= Relu(", "features.0.bn/BatchNormalization_out");
    const [target] = await vscode.commands.executeCommand<vscode.Location[]>(
      "vscode.executeDefinitionProvider",
      document.uri,
      use,
    );
    assert.ok(target);
    assert.match(document.lineAt(target.range.start.line).text, /= BatchNormalization\(/);
  });

  it("tells the type of a value under the mouse", async () => {
    const [hover] = await vscode.commands.executeCommand<vscode.Hover[]>(
      "vscode.executeHoverProvider",
      document.uri,
      place("= Gemm(", "head.weight"),
    );
    const said = hover?.contents.map((part) => (part as vscode.MarkdownString).value).join("\n") ?? "";
    assert.match(said, /float32|f32/);
    assert.match(said, /10.*24/);
  });
});
