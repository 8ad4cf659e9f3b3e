import { setTimeout as wait } from "node:timers/promises";
import { parseIntegrity } from "../../core/digest.ts";
import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import { isLoopbackHost } from "../../core/loopback.ts";
import { quote } from "../../core/quote.ts";
import type { Secret } from "../../core/secret.ts";
import { type UploadAnswer, Uploader } from "../../upstream/upload.ts";
import { proxyOfEnvironment } from "../proxy.ts";
import type { PackageToPublish } from "./read-package.ts";
import { answeredJson, registryFailure } from "./registry-answer.ts";
import type { PackageSignature } from "./sign-package.ts";

export interface UploadWishes {
  /** The registry's base: what its `packages` stands below, in either dialect. */
  readonly registry: URL;
  readonly token: Secret | undefined;
  /** A dist-tag to set. */
  readonly tag: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (sentBytes: number, totalBytes: number) => void;
}

export interface Uploaded {
  /** `there`: the registry had the same bytes already. `pending`: it keeps them until somebody approves. */
  readonly outcome: "published" | "pending" | "there";
  /** Where the version's document is. */
  readonly url: string;
}

const ATTEMPTS = 3;
const PAUSE_MS = 1_000;
/** Before these a registry has decided nothing, or nobody knows whether it has: sending the same bytes again is safe, since a version never changes. */
const AGAIN: ReadonlySet<number> = new Set([502, 503, 504]);
const CUT: ReadonlySet<string> = new Set(["UPSTREAM_UNREACHABLE", "UPSTREAM_TRUNCATED"]);

/**
 * Publishes a package with its signatures: `POST packages` as multipart/form-data, in either dialect. A version that is there with the same bytes counts as done. Throws USAGE for a registry that
 * a token must not be sent to, what the registry answers by its status (UNAUTHORIZED, FORBIDDEN, CONFLICT, …), and what `Uploader` throws.
 */
export async function uploadPackage(
  subject: PackageToPublish,
  signatures: readonly PackageSignature[],
  wishes: UploadWishes,
): Promise<Uploaded> {
  const { registry, token, env } = wishes;
  requireSafe(registry, token);
  const proxy = proxyOfEnvironment(registry, env);
  const uploader = new Uploader({ token: token?.reveal(), proxy: proxy && withCredentials(proxy) });
  try {
    return await publish(uploader, subject, signatures, wishes);
  } finally {
    await uploader.close();
  }
}

async function publish(
  uploader: Uploader,
  subject: PackageToPublish,
  signatures: readonly PackageSignature[],
  wishes: UploadWishes,
): Promise<Uploaded> {
  const base = baseOf(wishes.registry);
  const version = new URL(`packages/${subject.name}/${encodeURIComponent(subject.version)}`, base);
  const answer = await postPatiently(() =>
    uploader.post(new URL("packages", base), formOf(subject, signatures, wishes.tag), wishes.progress),
  );
  if (answer.status === 409 && (await holdsSame(uploader, version, subject))) return { outcome: "there", url: version.href };
  if (answer.status !== 200 && answer.status !== 201 && answer.status !== 202) throw registryFailure(answer);
  const json = answeredJson(answer);
  requireSame(json, subject);
  const pending = json["approval_status"] === "pending" || json["approvalStatus"] === "pending";
  return { outcome: pending ? "pending" : answer.status === 200 ? "there" : "published", url: version.href };
}

async function postPatiently(post: () => Promise<UploadAnswer>): Promise<UploadAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await post();
      if (!AGAIN.has(answer.status) || attempt >= ATTEMPTS) return answer;
    } catch (error) {
      if (!(error instanceof AssayError) || !CUT.has(error.code) || attempt >= ATTEMPTS) throw error;
    }
    await wait(PAUSE_MS * attempt);
  }
}

/** The parts are those of the AAM dialect, `POST /packages`; UAAPS defines none. `attestation` and `tag` are additions that Assay reads. */
function formOf({ file, bytes }: PackageToPublish, signatures: readonly PackageSignature[], tag: string | undefined): FormData {
  const form = new FormData();
  form.append("archive", new Blob([new Uint8Array(bytes)], { type: "application/gzip" }), file);
  const overBytes = signatures.filter(({ kind }) => kind !== "provenance");
  const [only, another] = overBytes;
  if (only && !another) form.append("signature_type", only.kind);
  for (const { kind, text } of signatures) {
    const [part, ending] =
      kind === "provenance" ? ["attestation", "provenance.json"] : ["signature", kind === "gpg" ? "asc" : "sigstore.json"];
    form.append(
      part ?? "",
      new Blob([new Uint8Array(text)], { type: kind === "gpg" ? "application/pgp-signature" : "application/json" }),
      `${file}.${ending}`,
    );
  }
  if (tag !== undefined) form.append("tag", tag);
  return form;
}

/** An answer that was lost, or somebody who publishes twice: the registry's own word for what it has is enough to say that there is nothing left to do. */
async function holdsSame(uploader: Uploader, version: URL, { digest }: PackageToPublish): Promise<boolean> {
  const answer = await uploader.get(version);
  return answer.status === 200 && digestIn(answeredJson(answer)) === digest;
}

/** SHA-256 in hexadecimal as a document says it: `checksum.sha256` in one dialect, `integrity` in the other. */
function digestIn({ checksum, integrity }: JsonObject): string | undefined {
  if (isJsonObject(checksum) && typeof checksum["sha256"] === "string") return checksum["sha256"].toLowerCase();
  if (typeof integrity !== "string") return undefined;
  return parseIntegrity(integrity, "the registry").find(({ algorithm }) => algorithm === "sha256")?.hex;
}

function requireSame(json: JsonObject, { digest }: PackageToPublish): void {
  const got = digestIn(json);
  if (got === undefined || got === digest) return;
  throw new AssayError("UPSTREAM_MALFORMED", `expected the registry to keep sha256 ${digest}, got ${quote(got)}`, {
    help: "something between here and the registry changes what is sent",
  });
}

function requireSafe(registry: URL, token: Secret | undefined): void {
  if (registry.protocol === "https:" || (registry.protocol === "http:" && (token === undefined || isLoopbackHost(registry.hostname))))
    return;
  throw new AssayError(
    "USAGE",
    `expected an https address to send the package${token ? " and the token" : ""} to, got ${quote(registry.origin)}`,
  );
}

function baseOf(registry: URL): URL {
  const base = new URL(registry);
  base.search = "";
  base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}

function withCredentials({ url, username, password }: NonNullable<ReturnType<typeof proxyOfEnvironment>>): URL {
  const proxy = new URL(url);
  proxy.username = encodeURIComponent(username ?? "");
  proxy.password = encodeURIComponent(password?.reveal() ?? "");
  return proxy;
}
