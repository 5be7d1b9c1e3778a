/** `npm run samples`: writes the models of samples/ anew; a test compares them with what is committed. */
import { writeFile } from "node:fs/promises";
import { samples } from "./samples/models.ts";

for (const [name, make] of Object.entries(samples)) {
  const bytes = make();
  await writeFile(`samples/${name}`, bytes);
  console.log(`samples/${name}  ${(bytes.length / 1000).toFixed(1)} kB`);
}
