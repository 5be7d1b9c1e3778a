/** Stands in for `@vscode/native-watchdog`, which only ends an extension host whose parent is gone; the server does that too. */
exports.start = () => {};
