/** Ctrl-C and the like: what a command has begun to write is taken away before it ends. */
import { constants } from "node:os";

let came: NodeJS.Signals | undefined;
let controller: AbortController | undefined;

/** Fires at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interruption(): AbortSignal {
  if (controller) return controller.signal;
  const made = new AbortController();
  controller = made;
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => {
      came ??= name;
      made.abort();
    });
  return made.signal;
}

/** The exit code of a command that was interrupted, as shells count it: 128 and the number of the signal. */
export const interruptedCode = (): number | undefined => came && 128 + constants.signals[came];
