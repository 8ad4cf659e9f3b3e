import { quote } from "../../../core/quote.ts";
import { foldersAbove } from "./folders-above.ts";
import type { ReferencedPath } from "./referenced-paths.ts";

interface Tree {
  /** What is packed. */
  readonly packed: ReadonlySet<string>;
  /** All files of the package's folder that section 12.1 does not exclude. */
  readonly present: ReadonlySet<string>;
}

/**
 * What the manifests refer to and the archive would not hold, one sentence each. Section 12.1: packing MUST fail then, or people would install a package whose skill or
 * hook is not there.
 */
export function missingReferences(references: readonly ReferencedPath[], tree: Tree): readonly string[] {
  const withAbove = { packed: withFolders(tree.packed), present: withFolders(tree.present) };
  return references.flatMap((reference) => missing(reference, withAbove, tree) ?? []);
}

function missing({ from, written, holds, optional }: ReferencedPath, { packed, present }: Tree, files: Tree): string | undefined {
  const said = `${from} refers to ${quote(written)}`;
  const path = packagePath(written);
  if (path === undefined) return `${said}: expected a relative path inside the package, with forward slashes`;
  if (!packed.has(path)) {
    if (present.has(path)) return `${said}, which is not packed: the \`files\` of the manifest leave it out`;
    return optional ? undefined : `${said}, which is not there, or is among what is never packed`;
  }
  // Only a folder can lack a file. A skill may also be declared by its file, or by a link to its folder.
  if (holds === undefined || files.packed.has(path)) return undefined;
  const inner = path === "" ? holds : `${path}/${holds}`;
  if (packed.has(inner)) return undefined;
  return `${said}, where ${present.has(inner) ? `${holds} is not packed: the \`files\` of the manifest leave it out` : `there is no ${holds}`}`;
}

/** A folder is there where a file in it is. */
function withFolders(paths: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(["", ...paths, ...[...paths].flatMap(foldersAbove)]);
}

/** `./skills/a/` is `skills/a`; `.` is the root itself. Undefined for what leads out, or means another place on another system. */
function packagePath(written: string): string | undefined {
  if (written.startsWith("/") || written.includes("\\") || /^[A-Za-z]:/.test(written)) return undefined;
  const steps = written.split("/").filter((step) => step !== "" && step !== ".");
  return steps.includes("..") ? undefined : steps.join("/");
}
