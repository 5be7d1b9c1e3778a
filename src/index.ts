/** The library: the same functions the command line and the engine call. */
export { check } from "./check.ts";
export { convert } from "./convert.ts";
