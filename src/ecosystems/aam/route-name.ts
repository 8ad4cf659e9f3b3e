import { AssayError } from "../../core/errors.ts";
import { type PackageName, parsePackageName } from "./names.ts";

/**
 * The package name that a path begins with, and what follows it: a scoped name is two segments, or one where the client encoded its slash.
 * Scoped first, so that no scope is ever read as a name. Throws NOT_FOUND.
 */
export function takeName(path: readonly string[]): { readonly name: PackageName; readonly rest: readonly string[] } {
  const [first = "", second] = path;
  const split = first.startsWith("@") && !first.includes("/");
  const text = split ? `${first}/${second ?? ""}` : first;
  const name = parsePackageName(text);
  if (name) return { name, rest: path.slice(split ? 2 : 1) };
  throw new AssayError("NOT_FOUND", `${JSON.stringify(text.slice(0, 150))} is not a package name`, {
    help: text.includes("--")
      ? "`--` stands for the slash of a scoped name in file names, so that no name may hold it: a package of a scope is @scope/name"
      : "names are lowercase letters, digits and single hyphens, with or without an @scope/",
    detailCode: "PACKAGE_NOT_FOUND",
  });
}
