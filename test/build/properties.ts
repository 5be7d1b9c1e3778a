/** fast-check with one seed for every run: what fails, fails again. `SEED` takes another, to look for what no run has met yet. */
import fc from "fast-check";

export const seed = Number(process.env["SEED"] ?? 20_260_101);

fc.configureGlobal({ seed });

export default fc;
