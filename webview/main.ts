/** The custom editor's page: connects the two ends and draws what the host shows. */
import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import "@vscode-elements/elements/dist/vscode-toolbar-button/index.js";
import "./css/page.css";
import "./css/details.css";
import "./css/accents.css";
import { connect, serve } from "../src/protocol/rpc.ts";
import type { HostApi, WebviewApi } from "../src/protocol/views.ts";
import { Viewer } from "./viewer.ts";
import { vscodeHost } from "./vscode.ts";

const host = vscodeHost();
const connection = connect<HostApi>(host.port);
const viewer = new Viewer(document.body, connection, host);
serve<WebviewApi>(host.port, viewer.api);
void connection.api.ready();
