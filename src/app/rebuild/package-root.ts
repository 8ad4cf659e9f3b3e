import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { AssayError } from "../../core/errors.ts";
import type { SourceTree } from "../../core/ports/source-trees.ts";
import { quote } from "../../core/quote.ts";

const MAX_CHARACTERS = 1024;

/** A package's folder in its repository, as somebody wrote it: `skills/demo`, or the empty text for the root. Undefined for text that could lead out of it. */
export function parseFolder(text: string): string | undefined {
  const segments = text.split("/").filter((segment) => segment !== "" && segment !== ".");
  const isSafe = !text.startsWith("/") && text.length <= MAX_CHARACTERS && !/[\p{C}\\]/u.test(text) && !segments.includes("..");
  return isSafe ? segments.join("/") : undefined;
}

/** The folder on disk. Throws UNPROCESSABLE where the commit has none there, or a link on the way: that could lead out of the tree. */
export async function packageRoot({ folder: tree }: Pick<SourceTree, "folder">, folder: string): Promise<string> {
  let path = tree;
  for (const segment of folder === "" ? [] : folder.split("/")) {
    path = join(path, segment);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isDirectory()) throw new AssayError("UNPROCESSABLE", `the commit has no folder ${quote(folder)}`);
  }
  return path;
}
