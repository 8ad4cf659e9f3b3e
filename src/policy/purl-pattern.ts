import { eq, valid } from "@renovatebot/pep440";
import { ECOSYSTEM_IDS, type EcosystemId } from "../core/artifact.ts";
import { type Glob, globCovers, isLiteral, matchGlob, parseGlob } from "../core/glob.ts";
import { expected, type Parsed, parsed } from "../core/parsed.ts";
import type { PurlPattern } from "../core/policy.ts";
import { didYouMean } from "../core/problems.ts";

/** One archive, or with less of it a version or a package, as rules, denials and waivers look at it. */
export interface Coordinates {
  readonly ecosystem: EcosystemId;
  /** In the ecosystem's canonical form. */
  readonly name: string;
  readonly version: string;
  readonly file?: string;
}

const EXAMPLE = "a package pattern such as pkg:npm/%40acme/*";
const MAX_CHARACTERS = 512;

/** Everything that a name of the ecosystem can hold, and the wildcard. A pattern with anything else would silently never match. */
const NAME_CHARACTERS: Readonly<Record<EcosystemId, { readonly pattern: RegExp; readonly words: string }>> = {
  pypi: { pattern: /^[a-z0-9*-]+$/, words: "a PyPI name of letters, digits, - _ . and *" },
  npm: { pattern: /^[A-Za-z0-9\-_.~!*'()@/]+$/, words: "an npm name, @scope/name or name, with * as wildcard" },
  aam: { pattern: /^[a-z0-9_\-*@/]+$/, words: "an AAM name, @scope/name or name in lowercase, with * as wildcard" },
};

/**
 * Reads `pkg:TYPE/NAME`, `pkg:TYPE/NAME@VERSION` or, for one file of PyPI, `pkg:pypi/NAME@VERSION?file_name=FILE`. A scope is written `%40acme` or `@acme`.
 * NAME and VERSION may hold `*` and `**`, TYPE may be `*`. https://github.com/package-url/purl-spec
 */
export function parsePurlPattern(text: string): Parsed<PurlPattern> {
  if (text.length > MAX_CHARACTERS) return expected(`a package pattern of at most ${MAX_CHARACTERS} characters`);
  if (!text.startsWith("pkg:")) return expected(EXAMPLE);
  const slash = text.indexOf("/");
  if (slash < 0) return expected(`${EXAMPLE}, with a name after the type`);
  const type = text.slice("pkg:".length, slash).toLowerCase();
  const ecosystems = type === "*" ? ECOSYSTEM_IDS : ECOSYSTEM_IDS.filter((id) => id === type);
  if (ecosystems.length === 0) return expected(`a package type of ${ECOSYSTEM_IDS.join(", ")} or *${didYouMean(type, ECOSYSTEM_IDS)}`);

  const [path = "", qualifier, ...more] = text.slice(slash + 1).split("?");
  const file = qualifier === undefined ? undefined : fileOf(qualifier);
  if (more.length > 0 || path.includes("#") || (qualifier !== undefined && file === undefined)) {
    return expected("a package pattern with no subpath and no qualifier but file_name");
  }
  const { written, version: writtenVersion } = splitVersion(path);
  const name = decode(written);
  const version = writtenVersion === undefined ? undefined : decode(writtenVersion);
  if (name === undefined || (writtenVersion !== undefined && version === undefined)) {
    return expected("a package pattern with % only as in %40, and with / and * not encoded");
  }
  if (version !== undefined && !/^[!-~]+$/.test(version)) return expected("a version or version pattern after the @");

  const names: Partial<Record<EcosystemId, Glob>> = {};
  let refusal: Parsed<never> | undefined;
  for (const ecosystem of ecosystems) {
    const glob = parseName(ecosystem, name);
    if (glob.ok) names[ecosystem] = glob.value;
    else refusal = glob;
  }
  // `pkg:*/@acme/*` means the ecosystems that have scopes.
  if (Object.keys(names).length === 0 && refusal) return refusal;
  const versionGlob = version === undefined ? undefined : parseGlob(version, "");
  if (versionGlob && !versionGlob.ok) return versionGlob;
  return parsed({
    text,
    names,
    ...(versionGlob ? { version: versionGlob.value } : {}),
    ...(file === undefined ? {} : { file }),
  });
}

/** Whether the pattern means this artifact. A pattern for one file does not mean a whole version. */
export function matchPurl(pattern: PurlPattern, { ecosystem, name, version, file }: Coordinates): boolean {
  const glob = pattern.names[ecosystem];
  if (!glob || !matchGlob(glob, canonicalName(ecosystem, name))) return false;
  if (pattern.file !== undefined && pattern.file !== file) return false;
  return pattern.version === undefined || matchVersion(pattern.version, ecosystem, version);
}

/** Whether all that `inner` means is meant by `outer` too. */
export function purlCovers(outer: PurlPattern, inner: PurlPattern): boolean {
  if (outer.file !== undefined && outer.file !== inner.file) return false;
  if (outer.version && !(inner.version && globCovers(outer.version, inner.version))) return false;
  return ECOSYSTEM_IDS.every((id) => {
    const [outerName, innerName] = [outer.names[id], inner.names[id]];
    return innerName === undefined || (outerName !== undefined && globCovers(outerName, innerName));
  });
}

/** The one spelling that names are compared in. npm's old names differ by capitals, so theirs stay. */
export function canonicalName(ecosystem: EcosystemId, name: string): string {
  // PEP 503 normalisation: runs of -, _ and . become one -. https://peps.python.org/pep-0503/#normalized-names
  return ecosystem === "pypi" ? name.replace(/[-_.]+/g, "-").toLowerCase() : name;
}

function matchVersion(glob: Glob, ecosystem: EcosystemId, version: string): boolean {
  if (matchGlob(glob, version)) return true;
  // `1.0` and `1.0.0` are one version of a Python project.
  const isComparable = ecosystem === "pypi" && isLiteral(glob) && valid(glob.text) !== null && valid(version) !== null;
  return isComparable && eq(glob.text, version);
}

function parseName(ecosystem: EcosystemId, name: string): Parsed<Glob> {
  const canonical = canonicalName(ecosystem, name);
  const { pattern, words } = NAME_CHARACTERS[ecosystem];
  if (!pattern.test(canonical)) return expected(words);
  const segments = canonical.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".." || segment === "@")) return expected(words);
  const [first = ""] = segments;
  if (segments.length > 2) return expected(words);
  if (segments.length === 2 && !first.startsWith("@") && !first.startsWith("*")) return expected(`${words}; a scope starts with @ or %40`);
  if (segments.length === 1 && first.startsWith("@") && !first.includes("**"))
    return expected(`a package after the scope, such as pkg:${ecosystem}/${name}/*`);
  return parseGlob(canonical, "/");
}

/** An `@` begins a version unless it begins a path segment, where it begins a scope. */
function splitVersion(path: string): { written: string; version: string | undefined } {
  const at = path.lastIndexOf("@");
  if (at <= 0 || path[at - 1] === "/" || at < path.lastIndexOf("/")) return { written: path, version: undefined };
  return { written: path.slice(0, at), version: path.slice(at + 1) };
}

/** Percent-decoded once. Undefined where that would make a separator or a wildcard out of what was meant as text. */
function decode(text: string): string | undefined {
  if (/%(?:2f|2a)/i.test(text)) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function fileOf(qualifier: string): string | undefined {
  const [key, value, ...more] = qualifier.split("=");
  const file = key === "file_name" && more.length === 0 ? decode(value ?? "") : undefined;
  return file === undefined || file === "" || !/^[!-~]+$/.test(file) ? undefined : file;
}
