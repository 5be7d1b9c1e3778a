/** The processes below a VS Code server, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly command: string;
}

/** All descendants of `root`. */
export function descendants(root: number): Process[] {
  const parents = new Map<number, number>();
  const commands = new Map<number, string>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      // The command in brackets may hold anything; the parent is the second field after it.
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      commands.set(pid, readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
    } catch {
      // gone meanwhile
    }
  }
  const below = (pid: number): boolean => {
    for (let up = parents.get(pid); up; up = parents.get(up)) if (up === root) return true;
    return false;
  };
  return [...commands].filter(([pid]) => below(pid)).map(([pid, command]) => ({ pid, command }));
}

/** The engines of the windows that are open. */
export const engines = (server: number): number[] =>
  descendants(server)
    .filter(({ command }) => /\bdist\/engine\.js\b/.test(command))
    .map(({ pid }) => pid);
