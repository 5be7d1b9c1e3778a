import assert from "node:assert/strict";
import * as vscode from "vscode";
import { closeAll, extensionOf, model, openText, problemsOf, textOf, typed, until } from "./model.ts";

describe("problems", () => {
  afterEach(closeAll);

  it("stand on the operator that cannot run, with node and reason", async () => {
    const document = await openText(model("detector.onnx"));
    await typed(document, "f32[1,12,32,32]");
    const errors = (await problemsOf(document.uri)).filter(({ severity }) => severity === vscode.DiagnosticSeverity.Error);
    assert.equal(errors.length, 1);
    const [error] = errors;
    assert.equal(document.getText(error!.range), "com.acme.DecodeBoxes");
    assert.match(error!.message, /com\.acme\.DecodeBoxes/);
    assert.match(error!.message, /head\.decode/);
    assert.equal(error!.source, "modelwright");
  });

  it("are none for a model that runs", async () => {
    const document = await openText(model("regressor.onnx"));
    // Its verdicts have come when the detector's, asked for later, have.
    const other = await openText(model("detector.onnx"));
    await problemsOf(other.uri);
    assert.deepEqual(vscode.languages.getDiagnostics(document.uri), []);
  });

  it("follow the file on disk", async () => {
    const copy = model("changing.onnx");
    await vscode.workspace.fs.copy(model("detector.onnx"), copy, { overwrite: true });
    const document = await openText(copy);
    await problemsOf(document.uri);
    await vscode.workspace.fs.copy(model("digits.onnx"), copy, { overwrite: true });
    await until("the problems go", () => vscode.languages.getDiagnostics(document.uri).length === 0 || undefined);
    await until("the text is the new model's", () => document.getText().includes("features.0.conv") || undefined);
  });

  it("say what is wrong with a broken file, and where", async () => {
    const whole = await vscode.workspace.fs.readFile(model("digits.onnx"));
    const broken = model("broken.onnx");
    await vscode.workspace.fs.writeFile(broken, whole.subarray(0, 20_000));
    void vscode.commands.executeCommand("modelwright.revealInText", broken);
    const [problem] = await problemsOf(textOf(broken));
    assert.match(problem!.message, /at byte \d/);
  });

  it("come again after the engine was killed", async () => {
    const first = await openText(model("detector.onnx"));
    await problemsOf(first.uri);
    await closeAll();
    const { enginePid } = extensionOf().exports;
    const pid = enginePid();
    assert.ok(pid);
    process.kill(pid, "SIGKILL");
    await until("the death is noticed", () => (enginePid() === pid ? undefined : true));
    const again = await openText(model("detector.onnx"));
    assert.equal((await problemsOf(again.uri)).length, 1);
    assert.notEqual(enginePid(), pid);
  });
});
