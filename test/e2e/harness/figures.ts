/** Measured times and sizes: printed with what is aimed at, never a reason to fail by themselves, since machines differ. */
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { outDir } from "./paths.ts";

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "ms" | "KB" | "MB";
  /** At most this is aimed at. */
  readonly aim?: number;
}

const file = () => path.join(outDir(), "figures.jsonl");

export function clearFigures(): void {
  rmSync(file(), { force: true });
}

export function record(name: string, value: number, unit: Figure["unit"], aim?: number): void {
  const figure: Figure = { name, value, unit, ...(aim === undefined ? {} : { aim }) };
  appendFileSync(file(), `${JSON.stringify(figure)}\n`);
}

export function printFigures(leg: string): void {
  if (!existsSync(file())) return;
  console.log(`\nfigures, VS Code ${leg}`);
  for (const line of readFileSync(file(), "utf8").trim().split("\n")) {
    const { name, value, unit, aim } = JSON.parse(line) as Figure;
    const against = aim === undefined ? "" : `  (aim: ${aim} ${unit}${value <= aim ? "" : ", missed"})`;
    console.log(`  ${name.padEnd(52)} ${(value < 100 ? value.toPrecision(3) : value.toFixed(0)).padStart(8)} ${unit}${against}`);
  }
}
