/** Of this package; esbuild puts package.json's in. */
import manifest from "../package.json" with { type: "json" };

export const version: string = manifest.version;
