/**
 * A relative path made plain (`./a//b/../c` → `a/c`), or undefined where it is absolute, empty, or leaves its folder. Both separators count,
 * since a model made on one system is opened on another. Symbolic links are the business of whoever opens the file.
 */
export function confinedPath(path: string): string | undefined {
  if (path === "" || path.includes("\0") || /^([a-zA-Z]:|[\\/])/.test(path)) return undefined;
  const parts: string[] = [];
  for (const part of path.split(/[\\/]/)) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.length ? parts.join("/") : undefined;
}
