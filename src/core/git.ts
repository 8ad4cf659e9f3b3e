/** A repository on a git host, as the last segments of its address name it. Made by `parseGitRepository` only, so each part may stand in an address. */
export interface GitRepository {
  /** As configured: a lowercase host name, with a port where it has one. */
  readonly host: string;
  readonly owner: string;
  /** Without `.git` at its end. */
  readonly name: string;
}

/** SHA-1 of a git object: 40 lowercase hexadecimal digits. */
export type ObjectId = string & { readonly brand: "ObjectId" };

/** The full name of a branch or tag: `refs/heads/main`, `refs/tags/v1.0.0`. */
export type RefName = string & { readonly brand: "RefName" };

/** Branches and tags. Nothing else is mirrored: on a public host anybody can put commits below `refs/pull`. */
export const HEADS = "refs/heads/";
export const TAGS = "refs/tags/";

/** What hosts let owners and repositories be called. No leading hyphen: nothing that came from outside may ever be read as an option. */
const OWNER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;
const NAME = /^[A-Za-z0-9_.][A-Za-z0-9._-]{0,99}$/;
const MAX_REF_CHARACTERS = 255;
/** https://git-scm.com/docs/git-check-ref-format, and nothing that is not visible ASCII or a letter: these names are printed. */
const REF_COMPONENT = /^(?!\.)[^\p{C}\p{Z}~^:?*[\\]+$/u;

/**
 * A repository by the two segments of its path, which are percent-decoded; undefined where they are no names. `.git` at the end says nothing. Hosts do not tell upper from lower case,
 * so neither do we: else a pin could be gone around by asking for `ACME/Tool`. One that does tell them apart is configured as `case_sensitive`.
 */
export function parseGitRepository(
  host: { readonly host: string; readonly caseSensitive: boolean },
  owner: string,
  name: string,
): GitRepository | undefined {
  const bare = name.toLowerCase().endsWith(".git") ? name.slice(0, -".git".length) : name;
  const isNamed = OWNER.test(owner) && NAME.test(bare) && bare !== "." && bare !== ".." && !bare.toLowerCase().endsWith(".git");
  if (!isNamed) return undefined;
  const fold = (text: string): string => (host.caseSensitive ? text : text.toLowerCase());
  return { host: host.host, owner: fold(owner), name: fold(bare) };
}

/** `HOST/OWNER/NAME`: what a repository is known by in the record, the log and the configuration. */
export function formatGitRepository({ host, owner, name }: GitRepository): string {
  return `${host}/${owner}/${name}`;
}

/** Undefined for text that is no object id. */
export function parseObjectId(text: string): ObjectId | undefined {
  return /^[0-9a-f]{40}$/.test(text) ? (text as ObjectId) : undefined;
}

/** Undefined for anything but a branch or a tag with a name that git allows, at most 255 characters long. */
export function parseRefName(text: string): RefName | undefined {
  const short = text.startsWith(HEADS) ? text.slice(HEADS.length) : text.startsWith(TAGS) ? text.slice(TAGS.length) : "";
  if (text.length > MAX_REF_CHARACTERS || text.includes("..") || text.includes("@{") || text.endsWith(".")) return undefined;
  const isNamed = short.split("/").every((component) => REF_COMPONENT.test(component) && !component.endsWith(".lock"));
  return isNamed ? (text as RefName) : undefined;
}
