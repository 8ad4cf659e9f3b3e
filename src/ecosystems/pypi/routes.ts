import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { type FileName, parseFileName } from "./file-name.ts";
import { parseProjectName } from "./project-name.ts";
import { sameVersion } from "./version.ts";

/** A request below a PyPI repository's mount, understood. Project names are normalised. */
export type Route =
  | { readonly kind: "projects" }
  | { readonly kind: "project"; readonly project: string }
  /** `path` is relative to the mount and starts with a slash. */
  | { readonly kind: "redirect"; readonly path: string }
  | { readonly kind: "archive" | "metadata" | "provenance" | "integrity"; readonly project: string; readonly name: FileName };

const COMPANION_ENDINGS = [
  [".metadata", "metadata"],
  [".provenance", "provenance"],
] as const;

/** Throws BAD_REQUEST for names outside the grammar, NOT_FOUND for paths that lead nowhere. Decides without asking anybody. */
export function parseRoute(segments: readonly string[]): Route {
  const [area, ...rest] = segments;
  switch (area) {
    case "simple":
      return parseSimple(rest);
    case "files":
      return parseFiles(rest);
    case "integrity":
      return parseIntegrity(rest);
    default:
      throw nowhere();
  }
}

function parseSimple(segments: readonly string[]): Route {
  const [name, slash] = segments;
  if (segments.length > 2 || (slash !== undefined && slash !== "")) throw nowhere();
  if (name === undefined) return { kind: "redirect", path: "/simple/" };
  if (name === "") return { kind: "projects" };
  const project = requireProject(name);
  // One address a project: clients, caches and this mirror's own pages must not hold it twice.
  if (name !== project || slash === undefined) return { kind: "redirect", path: `/simple/${project}/` };
  return { kind: "project", project };
}

function parseFiles(segments: readonly string[]): Route {
  const [owner, last] = segments;
  if (owner === undefined || last === undefined || segments.length !== 2) throw nowhere();
  const project = requireProject(owner);
  const companion = COMPANION_ENDINGS.find(([ending]) => last.endsWith(ending));
  const file = companion ? last.slice(0, -companion[0].length) : last;
  return { kind: companion ? companion[1] : "archive", project, name: requireFile(file, project) };
}

/** `NAME/VERSION/FILENAME/provenance`, where version and file must belong together. */
function parseIntegrity(segments: readonly string[]): Route {
  const [owner, version, file, provenance] = segments;
  if (owner === undefined || version === undefined || file === undefined || provenance !== "provenance" || segments.length !== 4) {
    throw nowhere();
  }
  const project = requireProject(owner);
  const name = requireFile(file, project);
  if (!sameVersion(version, name.version)) throw new AssayError("NOT_FOUND", `${name.file} is not a file of ${project} ${quote(version)}`);
  return { kind: "integrity", project, name };
}

function requireProject(text: string): string {
  const project = parseProjectName(text);
  if (project === undefined) throw new AssayError("BAD_REQUEST", `${quote(text)} is no name that a project can have`);
  return project;
}

function requireFile(text: string, project: string): FileName {
  const name = parseFileName(text, project);
  if (!name) throw new AssayError("NOT_FOUND", `${quote(text)} is no name that a file of ${project} can have`);
  return name;
}

function nowhere(): AssayError {
  return new AssayError("NOT_FOUND", "there is nothing at this path", {
    help: "the simple index is at simple/ below the repository's address",
  });
}
