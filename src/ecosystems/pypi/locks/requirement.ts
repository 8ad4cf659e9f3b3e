import { JsonShapeError } from "../../../core/json-fields.ts";
import type { UncoveredEntry } from "../../../core/lock-file.ts";
import { quote } from "../../../core/quote.ts";
import { parseProjectName } from "../project-name.ts";

/** What a line of a requirements file asks for. Its marker is left out: all that any machine may install is wanted. */
export type Requirement =
  | {
      readonly kind: "named";
      /** Canonical. */
      readonly project: string;
      /** The one version that it allows; undefined where it allows several. */
      readonly version: string | undefined;
    }
  /** It comes from elsewhere than an index. */
  | ({ readonly kind: "elsewhere"; readonly name: string } & Pick<UncoveredEntry, "source" | "reason">);

const NAME_CHARACTERS = /^[A-Za-z0-9._-]+/;
/** PEP 440's exact comparisons. `==1.*` and a second clause allow several versions. */
const PINNED = /^={2,3}\s*([^\s,*;<>=!~()]+)$/;

/** Reads a requirement by PEP 508, or the address or path that pip takes in its place. Throws JsonShapeError for anything else. */
export function parseRequirement(text: string, at: string): Requirement {
  const elsewhere = whereElse(text);
  if (elsewhere) return { kind: "elsewhere", name: elsewhere.name, source: elsewhere.source, reason: elsewhere.reason };
  const [written = ""] = NAME_CHARACTERS.exec(text) ?? [];
  const project = parseProjectName(written);
  if (project === undefined) throw new JsonShapeError(`${at}: expected a requirement such as six==1.16.0, got ${quote(text)}`);
  const rest = withoutExtras(text.slice(written.length).trim(), at);
  if (rest.startsWith("@")) {
    const address = rest.slice(1).trim();
    return { kind: "elsewhere", name: project, ...sourceOf(address) };
  }
  const clauses = (rest.split(";", 1)[0] ?? "").trim();
  const bare = clauses.startsWith("(") && clauses.endsWith(")") ? clauses.slice(1, -1).trim() : clauses;
  if (bare !== "" && !/^[=<>!~]/.test(bare))
    throw new JsonShapeError(`${at}: expected a version after ${written}, such as ==1.16.0, got ${quote(bare)}`);
  return { kind: "named", project, version: PINNED.exec(bare)?.[1] };
}

/** `[security,socks]`. */
function withoutExtras(text: string, at: string): string {
  if (!text.startsWith("[")) return text;
  const end = text.indexOf("]");
  if (end < 0) throw new JsonShapeError(`${at}: expected extras to end with ], got ${quote(text)}`);
  return text.slice(end + 1).trim();
}

/** An address or a path in place of a requirement; a requirement by name has neither a slash before its `@` or marker, nor the ending of an archive. */
function whereElse(text: string): ({ readonly name: string } & Pick<UncoveredEntry, "source" | "reason">) | undefined {
  const [subject = ""] = text.split(/[;@\s]/, 1);
  const isPlace = /^[a-z][a-z0-9+.-]*:/i.test(text) || /^[./\\~]/.test(text) || /[/\\]/.test(subject) || isArchive(subject);
  return isPlace ? { name: nameIn(text), ...sourceOf(text) } : undefined;
}

function isArchive(text: string): boolean {
  return [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar"].some((ending) => text.toLowerCase().endsWith(ending));
}

/** `#egg=name` is what pip goes by, else the last segment. An address may hold a password, so it is never shown itself. */
function nameIn(place: string): string {
  const egg = place.split("#egg=", 2)[1]?.split(/[&[;\s]/, 1)[0];
  const path = (place.split(/[?#;\s]/, 1)[0] ?? "").split(/[/\\]/).filter((segment) => segment !== "");
  return egg ?? path.at(-1) ?? "a path";
}

function sourceOf(place: string): Pick<UncoveredEntry, "source" | "reason"> {
  if (/^(?:git|hg|svn|bzr)(?:\+|:)/i.test(place)) return { source: "git", reason: "it comes from a version control system" };
  if (/^https?:/i.test(place)) return { source: "url", reason: "it comes from an address of its own, not from a registry" };
  return { source: "path", reason: "it comes from a path, not from a registry" };
}
