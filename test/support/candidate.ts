import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSubject } from "../../src/core/check-subject.ts";
import { type Digests, parseDigest } from "../../src/core/digest.ts";
import { AssayError } from "../../src/core/errors.ts";
import type { QuarantinedBlob } from "../../src/core/ports/blob-store.ts";
import type { ArchiveFormat, Ecosystem, Resolution, SignedItem, SignedSource } from "../../src/core/ports/ecosystem.ts";
import type { Log } from "../../src/core/ports/log.ts";
import type { Candidate } from "../../src/core/ports/verifier.ts";
import type { VsaOptions } from "../../src/verify/vsa.ts";

export interface CandidateOptions {
  readonly bytes: Buffer;
  readonly name?: string;
  readonly version?: string;
  readonly file?: string;
  readonly claims?: Resolution["claims"];
  readonly manifestClaims?: Resolution["manifestClaims"];
  readonly admittedBefore?: string;
  /** Digests that the store did not compute. */
  readonly without?: readonly (keyof Digests)[];
  /** Undefined for a file that promises no container. */
  readonly format?: ArchiveFormat | undefined;
  /** What places say that they have; `items` is short for one place that has these. */
  readonly published?: readonly SignedSource[];
  readonly items?: readonly SignedItem[];
  /** Name of the trust root that the upstream is bound to. */
  readonly trust?: string;
  /** Whether the upstream is another Assay. */
  readonly verdicts?: boolean;
  /** Digests in place of those of `bytes`, for evidence about archives that are not at hand. */
  readonly digests?: Digests;
  /** Whether a signed document is about the archive; by default, whether a statement's subject is the archive by file name and digest. */
  readonly checkSigned?: Ecosystem["checkSigned"];
}

/** An archive in quarantine as a verifier gets it. Its file is there until `remove`. */
export function makeCandidate(options: CandidateOptions): { readonly candidate: Candidate; readonly remove: () => void } {
  const { bytes, name = "demo", version = "1.0", file = "demo-1.0-py3-none-any.whl", claims = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), "assay-candidate-"));
  const path = join(folder, "blob");
  writeFileSync(path, bytes);
  const ref = { repository: "pypi", ecosystem: "pypi", name, version, file } as const;
  const upstream = {
    id: "pypi#0",
    url: new URL("https://registry.example/simple/"),
    ...(options.trust === undefined ? {} : { trust: options.trust }),
    ...(options.verdicts === undefined ? {} : { verdicts: options.verdicts }),
  };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const all = { sha256, sha512: createHash("sha512").update(bytes).digest("hex") };
  const computed = { ...Object.fromEntries(Object.entries(all).filter(([key]) => !options.without?.some((left) => left === key))), sha256 };
  const candidate: Candidate = {
    ref,
    resolution: {
      ref,
      upstream,
      url: new URL(file, upstream.url),
      claims,
      ...(options.manifestClaims ? { manifestClaims: options.manifestClaims } : {}),
    },
    // Only a store makes these; a verifier must not care which.
    blob: { digest: parseDigest(sha256), digests: options.digests ?? computed, sizeBytes: bytes.length, path } as QuarantinedBlob,
    ecosystem: namedByManifest("format" in options ? options.format : WHEEL_FORMAT, options.checkSigned ?? isAboutFile),
    published: options.published ?? (options.items ? [{ label: "the index", kind: "published", items: options.items }] : []),
    admittedBefore: options.admittedBefore,
  };
  return { candidate, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const WHEEL_FORMAT: ArchiveFormat = {
  container: "zip",
  manifests: [{ depth: 2, name: "METADATA", folderEnding: ".dist-info" }],
  symlinks: "refuse",
};

/** An ecosystem that looks into archives only: its packages are what the `Name:` and `Version:` lines of their one manifest say. */
function namedByManifest(format: ArchiveFormat | undefined, checkSigned: Ecosystem["checkSigned"]): Ecosystem {
  const notHere = (): never => {
    throw new AssayError("NOT_FOUND", "this ecosystem serves no pages");
  };
  return {
    id: "pypi",
    algorithms: [],
    handle: async () => notHere(),
    listed: async () => notHere(),
    resolve: async () => notHere(),
    recall: () => undefined,
    published: async () => [],
    companions: () => [],
    checkSigned,
    archiveFormat: () => format,
    identify: (ref, manifests) => {
      const [manifest] = manifests;
      if (!manifest) return { kind: "other", detail: "it has no manifest" };
      const text = manifest.body.toString("utf8");
      const same = text.includes(`\nName: ${ref.name}\n`) && text.includes(`\nVersion: ${ref.version}\n`);
      return same ? { kind: "same", manifestPath: manifest.path } : { kind: "other", detail: `${manifest.path} names another package` };
    },
  };
}

const isAboutFile: Ecosystem["checkSigned"] = (ref, _item, { statement }, digests) => {
  if (!statement) return undefined;
  const subject = checkSubject(statement, { digests, nameMatches: (name) => name === ref.file });
  return subject.ok ? undefined : subject.finding;
};

/** A log that keeps nothing. */
export const SILENT_LOG: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => SILENT_LOG };

/** For verifiers under a policy that names no other Assay. */
export const NO_OTHER_MIRROR: Pick<VsaOptions, "mirrorKeys" | "verdicts"> = {
  mirrorKeys: { ids: () => new Set(), keys: async () => [] },
  verdicts: async () => undefined,
};
