/** The command line: docs/cli.md is its contract. Loads a runtime only where a command runs one. */
import { cac } from "cac";
import { version } from "../version.ts";

const cli = cac("modelwright");
