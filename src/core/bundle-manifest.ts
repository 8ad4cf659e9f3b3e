import { z } from "zod";
import { ECOSYSTEM_IDS } from "./artifact.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { AssayError } from "./errors.ts";
import { parseStrictJson, StrictJsonError } from "./parse-strict-json.ts";
import { formatPurl } from "./purl.ts";
import { quote } from "./quote.ts";

/** The only version there is. A later one may say things that this Assay would not understand, so it is not read at all. */
const FORMAT = 1;
const MAX_DEPTH = 16;
/** Of each list. */
const MAX_ROWS = 2_000_000;

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((hex): Digest => parseDigest(hex));
const sizeBytes = z.int().min(0);
const time = z.int().min(0).max(8.64e15);
const url = z
  .string()
  .max(8192)
  .refine((text) => URL.canParse(text), { error: "is not an absolute URL" });
const text = z.string().min(1).max(2048);

/** Kinds of files in a bundle, in the order in which they stand in it, and the folder of each. */
const FOLDERS = { document: "documents", "trust-root": "trust-roots", decisions: "decisions", blob: "blobs" } as const;
export type FileKind = keyof typeof FOLDERS;

const file = z.strictObject({ kind: z.enum(Object.keys(FOLDERS) as [FileKind, ...FileKind[]]), sha256: digest, sizeBytes });

const artifact = z
  .strictObject({
    ecosystem: z.enum(ECOSYSTEM_IDS),
    repository: text,
    name: text,
    version: text,
    file: text,
    /** Base address of the upstream that it is from, and its own. */
    upstream: url,
    url,
    sha256: digest,
    sizeBytes,
    /** As its index said to the exporter. Milliseconds since the epoch. */
    publishedAt: z.int().nullable(),
    /** Of one that its upstream lists no more: a document that the exporter made of its own record, in the place of an index page. Left out for any other. */
    lost: z.strictObject({ sha256: digest, sizeBytes }).exactOptional(),
  })
  .refine(hasPurl, { error: "is called as no package can be" });

const document = z.strictObject({
  repository: text,
  upstream: url,
  /** As it is asked for. */
  url,
  /** Null where the upstream was well and had no such document. */
  answer: z
    .strictObject({
      /** Where it came from after redirects. */
      url,
      contentType: z.string().max(256),
      /** When the exporter fetched these bytes. Milliseconds since the epoch. */
      fetchedAt: time,
      sha256: digest,
      sizeBytes,
    })
    .nullable(),
});

const page = z
  .strictObject({ ecosystem: z.enum(ECOSYSTEM_IDS), repository: text, name: text })
  .refine((coordinates) => hasPurl({ ...coordinates, version: "0" }), { error: "is called as no package can be" });

const manifest = z.strictObject({
  format: z.literal(FORMAT),
  /** SHA-256 of the manifest that this bundle adds to: what that one has is not carried again. */
  buildsOn: digest.nullable(),
  artifacts: z.array(artifact).max(MAX_ROWS),
  documents: z.array(document).max(MAX_ROWS),
  /** Packages whose index pages are carried for their own sake: installers look at those of everything that a lock names. Left out where there are none. */
  pages: z.array(page).max(MAX_ROWS).exactOptional(),
  /** What the exporter checked signatures against, by its name for it. Shown, and believed by nobody. */
  trustRoots: z.array(z.strictObject({ name: text, sha256: digest })).max(10_000),
  /** JSON lines: the exporter's decision log, as far as it is about these artifacts. */
  decisions: digest,
  /** What is carried, in its order. */
  files: z.array(file).max(MAX_ROWS),
});

export type BundleManifest = z.output<typeof manifest>;
export type BundledArtifact = BundleManifest["artifacts"][number];
export type BundledPage = z.output<typeof page>;
export type BundledDocument = BundleManifest["documents"][number];
export type BundledFile = BundleManifest["files"][number];

/** The one text of a manifest. */
export function formatManifest(value: BundleManifest): Buffer {
  return Buffer.from(canonicalJson(value));
}

/** Whether there is a package URL by which people could be told of it. What the ecosystem allows beyond that is told of it alone, when it is imported. */
function hasPurl(coordinates: Parameters<typeof formatPurl>[0]): boolean {
  try {
    return formatPurl(coordinates) !== "";
  } catch {
    return false;
  }
}

/** Reads a manifest whose signature was verified. Throws BAD_REQUEST for one of a later format, or that is none. */
export function parseManifest(payload: Buffer): BundleManifest {
  const json = parseText(payload);
  const format = z.looseObject({ format: z.int() }).safeParse(json);
  if (format.success && format.data.format > FORMAT) {
    throw new AssayError("BAD_REQUEST", `the bundle is of format ${format.data.format}, and this Assay reads format ${FORMAT}`, {
      help: "import it with the release of Assay that made it, or a later one",
    });
  }
  const parsed = manifest.safeParse(json);
  const [issue] = parsed.error?.issues ?? [];
  if (!parsed.success) throw malformed(`${quote(issue?.path.join(".") ?? "")}: ${issue?.message ?? ""}`);
  requireEachOnce(parsed.data);
  requireOneSize(parsed.data);
  return parsed.data;
}

/** Of two rows for one thing, which one counts would be anybody's guess. */
function requireEachOnce({ artifacts, documents, pages = [], files }: BundleManifest): void {
  const keys = [
    ...artifacts.map(({ repository, name, version, file }) => `the artifact ${[repository, name, version, file].join(" ")}`),
    ...documents.map(({ repository, upstream, url }) => `the document ${[repository, upstream, url].join(" ")}`),
    ...pages.map(({ repository, name }) => `the page ${[repository, name].join(" ")}`),
    ...files.map((each) => `the file ${pathOf(each)}`),
  ];
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) throw malformed(`it names ${quote(key)} twice`);
    seen.add(key);
  }
}

/** A size that is told in two places must be the same in both: the limits go by the one, and reading by the other. */
function requireOneSize({ artifacts, documents, files }: BundleManifest): void {
  const sizes = new Map(files.map((each) => [pathOf(each), each.sizeBytes]));
  const told = [
    ...artifacts.map(({ sha256, sizeBytes }) => ({ path: pathOf({ kind: "blob", sha256 }), sizeBytes })),
    ...documentFiles({ artifacts, documents }).map((each) => ({ path: pathOf(each), sizeBytes: each.sizeBytes })),
  ];
  for (const { path, sizeBytes } of told) {
    const carried = sizes.get(path) ?? sizeBytes;
    if (carried !== sizeBytes) throw malformed(`it says that ${path} has ${sizeBytes} bytes, and that it has ${carried}`);
  }
}

/** The documents that a manifest names: what upstreams answered, and what stands in the place of index pages. */
export function documentFiles({ artifacts, documents }: Pick<BundleManifest, "artifacts" | "documents">): readonly BundledFile[] {
  const named = [...documents.map(({ answer }) => answer), ...artifacts.map(({ lost }) => lost)];
  return named.flatMap((each) => (each ? [{ kind: "document", sha256: each.sha256, sizeBytes: each.sizeBytes }] : []));
}

/** Where a file stands in the archive. Made of a closed list of words and hexadecimal digits: nothing in it is a text from outside. */
export function pathOf({ kind, sha256 }: Pick<BundledFile, "kind" | "sha256">): string {
  return `${FOLDERS[kind]}/${sha256}`;
}

function parseText(payload: Buffer): unknown {
  try {
    return parseStrictJson(payload, MAX_DEPTH);
  } catch (error) {
    if (error instanceof StrictJsonError) throw malformed(error.message);
    throw error;
  }
}

function malformed(detail: string): AssayError {
  return new AssayError("BAD_REQUEST", `the bundle's manifest is signed, but cannot be read: ${detail}`, {
    help: "report it to whoever made the bundle",
  });
}
