/** Does nothing: what its activation takes is VS Code's own. */
exports.activate = () => undefined;
