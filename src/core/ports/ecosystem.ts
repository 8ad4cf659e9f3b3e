import type { AccessToken } from "../access-token.ts";
import type { ArtifactRef, EcosystemId } from "../artifact.ts";
import type { Asker } from "../decision.ts";
import type { Algorithm, Checksum, Digests } from "../digest.ts";
import type { FieldProblem } from "../errors.ts";
import type { FindingCode } from "../evidence.ts";
import type { Finding } from "../finding.ts";
import type { JsonObject } from "../json.ts";
import type { Limits } from "../limits.ts";
import type { Signer } from "../signer.ts";
import type { Statement } from "../statement.ts";
import type { Documents } from "./documents.ts";
import type { Foresight } from "./foresight.ts";
import type { Index, KnownFile, RecalledFile } from "./index-store.ts";
import type { Log } from "./log.ts";
import type { Publishing } from "./publishing.ts";
import type { Upstream, UpstreamClient } from "./upstream-client.ts";

/** A repository as configured, with what an ecosystem may use to serve it. */
export interface Repository {
  readonly name: string;
  readonly ecosystem: EcosystemId;
  readonly upstreams: readonly Upstream[];
  /** How packages are published here. Left out for a repository that only mirrors. */
  readonly hosted?: { readonly requireApproval: boolean };
  /** Those that a virtual repository shows at one address; it has no upstreams of its own. Left out for any other. */
  readonly members?: readonly Repository[];
  /** Scopes whose packages belong to it in every virtual repository that it is a member of. */
  readonly scopes?: readonly string[];
}

/** What an ecosystem works with. Made once a process, the same for every repository. */
export interface EcosystemServices {
  readonly documents: Documents;
  readonly index: Pick<Index, "file" | "files" | "admitted">;
  /** What pages mark. Pages never refuse: clients show no reason then. */
  readonly foresight: Foresight;
  /** For requests that are passed on and not kept (npm audit). Documents go through `documents`. */
  readonly upstream: Pick<UpstreamClient, "fetch">;
  readonly limits: Limits;
  readonly log: Log;
  /**
   * Registries that the built-in trust material holds keys of. An upstream may be a mirror of one, and what such a registry signed names the registry and
   * not the mirror. None where left out.
   */
  readonly knownRegistries?: readonly URL[];
  /** This Assay's own signed verdict over an archive that it holds and admits: a DSSE envelope as JSON. Undefined for any other archive; nobody is asked for one. */
  readonly summaryOf?: (repository: Repository, ref: ArtifactRef) => Promise<Buffer | undefined>;
  /**
   * The upstreams of the repository that may hear of a package, in their order: all, or those that the policy of now binds its name to, which may be none.
   * `name` in canonical form. A request about a package goes to no other (dependency confusion): see `upstreamsToAsk`.
   */
  readonly upstreamsFor: (repository: Repository, name: string) => readonly Upstream[];
  /**
   * The names of which a repository has admitted something once, in their order. Offline only: there, lists of packages are made from what is held, and nobody is asked for
   * theirs.
   */
  readonly heldNames?: (repository: Repository) => AsyncIterable<string>;
  /** For repositories that packages are published to. Left out where there are none. */
  readonly publishing?: Publishing;
}

/** A request below a repository's mount. */
export interface EcosystemRequest {
  readonly method: "GET" | "HEAD" | "POST";
  /**
   * Path segments after the mount, percent-decoded once; none is empty but the last, which is for a path with a final slash.
   * None is `.` or `..`, none holds a control character or a backslash. A segment may hold a slash (`@scope%2fname`).
   */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
  /** Scheme, host and port the client reached us at, e.g. `http://127.0.0.1:8740`; with the prefix of `public_url` where that is set. */
  readonly origin: string;
  /** Path of the mount, e.g. `/pypi`. */
  readonly mount: string;
  /** The request's body, for POST only; bounded. */
  readonly body: () => Promise<Buffer>;
  readonly requestContentType: string | undefined;
}

/** One part of a form, in the order they were sent. */
export type FormPart =
  | { readonly kind: "field"; readonly name: string; readonly value: string }
  /** To be read to its end, or left alone, before the next part is asked for. */
  | { readonly kind: "file"; readonly name: string; readonly bytes: AsyncIterable<Uint8Array> };

/** A request to a repository that packages are published to: of any method. */
export interface ManagementRequest extends Omit<EcosystemRequest, "method"> {
  readonly method: string;
  /** Whose request it is. Throws UNAUTHORIZED for one without a token that is good. */
  readonly token: () => Promise<AccessToken>;
  /** The parts of a multipart/form-data body. Throws BAD_REQUEST for a body that is none, PAYLOAD_TOO_LARGE past its bounds. */
  readonly form: () => AsyncIterable<FormPart>;
  readonly asker: Asker;
}

/** How fresh an answer is: becomes `Cache-Control`, `Age`, `Warning`. */
export interface Freshness {
  /** When upstream last confirmed it, and until when it counts as fresh. Milliseconds since the epoch. */
  readonly validatedAt: number;
  readonly freshUntil: number;
  /** Why it could not be confirmed, where it is served all the same. */
  readonly stale?: string;
}

/** A page made from an upstream document, ready to be sent any number of times. */
export interface PageAnswer {
  readonly kind: "page";
  readonly contentType: string;
  readonly body: Buffer;
  readonly freshness: Freshness;
  /** The package it is about: what is admitted or refused of it makes the page anew. */
  readonly name?: string;
  /** Whether the answer depends on the Accept header, or on the origin the client reached us at. */
  readonly varies: { readonly accept: boolean; readonly origin: boolean };
  readonly headers?: Readonly<Record<string, string>>;
}

/** Made on the spot, not kept. */
export interface PlainAnswer {
  readonly kind: "plain";
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a request comes to. Thrown AssayErrors become error answers in the ecosystem's shape. */
export type EcosystemAnswer =
  | PageAnswer
  /** The archive itself: the mirror obtains it. No ecosystem sends archive bytes. */
  | {
      readonly kind: "artifact";
      readonly ref: ArtifactRef;
      readonly contentType: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** `location` is a path on our origin. */
  | { readonly kind: "redirect"; readonly status: 301 | 308; readonly location: string }
  | PlainAnswer;

/** Where an archive is and what was said about it. */
export interface Resolution {
  readonly ref: ArtifactRef;
  readonly upstream: Upstream;
  readonly url: URL;
  /** As the index says; a hint, the digest decides. */
  readonly sizeBytes?: number;
  readonly claims: readonly Checksum[];
  readonly publishedAt?: number;
  readonly firstSeenAt?: number;
  /** Digest the index gives for the archive's manifest (PEP 714 `core-metadata`). */
  readonly manifestClaims?: readonly Checksum[];
}

/** One signed document that is published for an archive. Nothing in it is believed yet. */
export type SignedItem =
  /** A Sigstore bundle as JSON; PEP 740 attestations are turned into one. */
  | {
      readonly kind: "sigstore";
      readonly label: string;
      readonly bundle: Buffer;
      /** What the document around the bundle says of it, for `checkSigned` of the same ecosystem. */
      readonly context?: JsonObject;
    }
  /** A detached OpenPGP signature over the archive, armored or binary. */
  | { readonly kind: "openpgp"; readonly label: string; readonly signature: Buffer }
  /** A registry's signature over a text of its own, as npm's over `name@version:integrity`. */
  | {
      readonly kind: "registry-signature";
      readonly label: string;
      readonly keyId: string;
      /** Base64 of a DER signature. */
      readonly signature: string;
      readonly message: string;
      readonly publishedAt?: number;
    }
  /** A DSSE envelope with another Assay's verification summary. */
  | { readonly kind: "vsa"; readonly label: string; readonly envelope: Buffer };

/** A signed document as it is held, and when these bytes were fetched: milliseconds since the epoch. */
export interface HeldItem {
  readonly item: SignedItem;
  readonly fetchedAt: number;
}

/**
 * What one place says it has. `absent`: it is well and has none; `detail` where that is more than that nobody published any. `unavailable`: it could not be asked. `malformed`: it answered with something
 * that is no such document, or one that cannot be checked; `code` says which, BUNDLE_MALFORMED where it is left out.
 */
export type SignedSource =
  | { readonly label: string; readonly kind: "published"; readonly items: readonly SignedItem[] }
  | { readonly label: string; readonly kind: "absent"; readonly detail?: string }
  | { readonly label: string; readonly kind: "unavailable"; readonly detail: string }
  | { readonly label: string; readonly kind: "malformed"; readonly code?: FindingCode; readonly detail: string };

/** What the bytes of an archive must be: by the rules of its ecosystem and its file name. */
export interface ArchiveFormat {
  readonly container: "zip" | "tar" | "tar.gz" | "tar.bz2" | "tar.xz" | "tar.zst";
  /** The files to read out for `identify`. At most `limits.manifestBytes` each. */
  readonly manifests: readonly ManifestPattern[];
  /** Symbolic links that stay inside the archive. Links out are never allowed. */
  readonly symlinks: "inside" | "refuse";
  /**
   * Leading path segments that clients drop when they unpack: 1 for npm (`package/a.js` and `x/a.js` are one file then), 0 where left out.
   * Two entries that land in one place are found by it; `manifests` still matches whole paths.
   */
  readonly droppedSegments?: number;
}

/** Matches entry paths by depth and name: `{depth: 2, name: "package.json"}` is a `package.json` one folder down. */
export interface ManifestPattern {
  /** Number of path segments. */
  readonly depth: number;
  /** The last segment. */
  readonly name: string;
  /** Ending of the first segment, e.g. `.dist-info`. */
  readonly folderEnding?: string;
}

export interface Manifest {
  readonly path: string;
  readonly body: Buffer;
}

export type Identification = { readonly kind: "same"; readonly manifestPath: string } | { readonly kind: "other"; readonly detail: string };

/** A refusal or an error on its way to a client of this ecosystem. */
export interface Problem {
  readonly status: number;
  /** Reason or error code. */
  readonly code: string;
  /** The error's finer code, where it has one. */
  readonly detailCode?: string;
  readonly title: string;
  readonly detail: string;
  readonly purl?: string;
  /** URL of the page that explains it. */
  readonly why?: string;
  /** What is wrong with each field of what was sent, where that is it. */
  readonly fields?: readonly FieldProblem[];
  readonly kind: "refusal" | "error";
}

/** The request that a problem answers. */
export interface ProblemContext {
  /** Path below the mount as the client sent it, with its first slash and without its query: not decoded, and perhaps of a kind that cannot be. */
  readonly path: string;
  /** Where clients reach the repository: origin and mount, without a final slash; the mount alone where the client's Host header is none. */
  readonly base: string;
}

/** A version that is not open to new installs. */
export interface ClosedRelease {
  /** Who closed it: `publisher` for its registry too. */
  readonly by: "publisher" | "mirror";
  readonly why: string;
}

/** What a package's pages say of its versions now. */
export interface Releases {
  /** Those that a new install may choose, lowest first. */
  readonly open: readonly string[];
  /** The others. */
  readonly closed: ReadonlyMap<string, ClosedRelease>;
  /** Dist-tags, moved where our pages move them. */
  readonly tags: ReadonlyMap<string, string>;
}

export interface Ecosystem {
  readonly id: EcosystemId;
  /** Digests to compute while an archive streams in, besides those always computed. */
  readonly algorithms: readonly Algorithm[];
  /** Answers a request below the mount. Throws BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE, and what `Documents` throws. */
  handle(repository: Repository, request: EcosystemRequest): Promise<EcosystemAnswer>;
  /**
   * The files of a package that its index page lists now; the page is fetched or confirmed first where it is not fresh. `name` is as people write it.
   * Throws BAD_REQUEST for a name that no package can have, NOT_FOUND where no upstream has it, UPSTREAM_NOT_CONFIGURED, and what `Documents` throws.
   */
  listed(repository: Repository, name: string): Promise<readonly KnownFile[]>;
  /**
   * The member of a virtual repository that a request below its mount is for, by whom the package that it names belongs to. Undefined for a request about no package, which
   * `handle` answers for all members. Left out where the ecosystem has no virtual repositories. Throws NOT_FOUND where no member has the package, and what `handle` throws.
   */
  memberFor?(repository: Repository, segments: readonly string[]): Promise<Repository | undefined>;
  /**
   * Answers a request that changes a hosted repository, or asks how it was changed. Undefined for a request that only reads packages, which is `handle`'s. Left out
   * where the ecosystem has no hosted repositories. Throws UNAUTHORIZED, FORBIDDEN, CONFLICT, UNPROCESSABLE, and what `handle` throws.
   */
  manage?(repository: Repository, request: ManagementRequest): Promise<PlainAnswer | undefined>;
  /** Where the archive is and what is claimed for it. Throws NOT_FOUND where no upstream lists it. */
  resolve(repository: Repository, ref: ArtifactRef): Promise<Resolution>;
  /**
   * The same of an archive that its upstream has lost or cannot tell of, from what was said when it was listed last. Asks nobody. Undefined where that was said by an upstream
   * that may not speak for the name now, and for a ref that is not written as the ecosystem writes names, versions and files: it may come from anywhere.
   */
  recall(repository: Repository, ref: ArtifactRef, said: RecalledFile): Resolution | undefined;
  /**
   * Everything signed that is published for an archive, each place in its own words. Fetched through `documents`, while the archive is on its way.
   * Never throws for what a place answers or fails to: that is a `SignedSource` of kind `malformed` or `unavailable`. Empty where the ecosystem has no such places.
   */
  published(repository: Repository, resolution: Resolution): Promise<readonly SignedSource[]>;
  /**
   * What is held of what `published` answered when the archive was admitted: nobody is asked again, whatever its age. Left out where nobody asks. Throws what `Documents`
   * throws for what is not held.
   */
  heldItems?(repository: Repository, resolution: Pick<Resolution, "ref" | "upstream" | "url">): Promise<readonly HeldItem[]>;
  /**
   * Whether a signed document whose cryptography holds is about this archive by the ecosystem's own rules: subject name and digests, accepted predicate types,
   * and what else the document around it promised (PEP 740's publisher, npm's wrapper). Undefined where it is.
   */
  checkSigned(
    ref: ArtifactRef,
    item: SignedItem,
    signed: { readonly signer: Signer; readonly statement?: Statement },
    digests: Digests,
  ): Finding | undefined;
  /**
   * The dist-tags that a version carries now, as upstream says; undefined where no upstream has the package. From the package's own document, which may be a held one.
   * Left out where the ecosystem's policies never ask for tags. Throws what `Documents` throws.
   */
  tags?(repository: Repository, ref: ArtifactRef): Promise<readonly string[] | undefined>;
  /**
   * What clients ask for beside an archive to find it, resolve with it and check it: the paths below the mount, in segments as `handle` takes them. What is not there is
   * answered with NOT_FOUND. With all of them and the archive held, an installation needs nobody else.
   */
  companions(ref: ArtifactRef): readonly (readonly string[])[];
  /**
   * What the pages of a package say of its versions; they are fetched or confirmed first where they are not fresh. Left out where nobody asks. Throws BAD_REQUEST for a name
   * that no package can have, NOT_FOUND where nobody has it, UPSTREAM_NOT_CONFIGURED where there is nobody to ask, and what `Documents` throws.
   */
  releases?(repository: Repository, name: string): Promise<Releases>;
  /** What kind of container the file name promises; undefined for one that Assay cannot check. */
  archiveFormat(ref: ArtifactRef): ArchiveFormat | undefined;
  /** Whether what the archive says about itself is what was asked for. Manifests come from the archive: hostile text. */
  identify(ref: ArtifactRef, manifests: readonly Manifest[]): Identification;
  /**
   * The body that this ecosystem's clients show best; undefined for the common one (application/problem+json).
   * `status` replaces an error's, where the ecosystem's protocol ties its code to another one. A refusal stays 403.
   */
  problemBody?(
    problem: Problem,
    context: ProblemContext,
  ): { readonly contentType: string; readonly body: Buffer; readonly status?: number } | undefined;
}
