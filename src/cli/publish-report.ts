import type { PackageToPublish } from "../app/publish/read-package.ts";
import type { PackageSignature } from "../app/publish/sign-package.ts";
import type { Uploaded } from "../app/publish/upload-package.ts";
import { printable } from "../core/printable.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";

/** What became of a package: uploaded, or written into files. */
export interface PublishOutcome {
  readonly uploaded: Uploaded | undefined;
  readonly written: readonly string[];
}

const OUTCOMES: Readonly<Record<Uploaded["outcome"], string>> = {
  published: "published",
  pending: "uploaded, and waits for approval",
  there: "there already, with the same bytes",
};
const WHAT: Readonly<Record<PackageSignature["kind"], string>> = { sigstore: "signature", gpg: "signature", provenance: "provenance" };

/** One JSON document; its keys are always there. */
export function publishJson(
  { name, version, file, digest, bytes }: PackageToPublish,
  signatures: readonly PackageSignature[],
  { uploaded, written }: PublishOutcome,
): string {
  const report = {
    name,
    version,
    file,
    sizeBytes: bytes.length,
    sha256: digest,
    signatures: signatures.map(signatureJson),
    outcome: uploaded?.outcome ?? "dry run",
    url: uploaded?.url ?? null,
    written,
  };
  return toJson(report);
}

function signatureJson(signature: PackageSignature) {
  if (signature.kind === "gpg") return { kind: "gpg", fingerprint: signature.fingerprint };
  const { signer, logIndex, signedAt, warnings } = signature.checked;
  const { identity, issuer, source } = signer;
  return { kind: signature.kind, identity: identity.value, issuer, source, logIndex, signedAt: new Date(signedAt).toISOString(), warnings };
}

/** For a terminal: what was signed by whom, and where it is now. */
export function publishText(
  { name, version, digest, bytes }: PackageToPublish,
  signatures: readonly PackageSignature[],
  { uploaded, written }: PublishOutcome,
): string {
  const rows = [
    ["sha256", digest],
    ["size", `${bytes.length} bytes`],
    ...(signatures.length === 0
      ? [["signature", "none: whoever installs it has only the registry's word for it"]]
      : signatures.map(signatureRow)),
    ...(uploaded ? [["address", uploaded.url]] : written.map((path) => ["written", path])),
  ];
  const outcome = uploaded ? OUTCOMES[uploaded.outcome] : "nothing was sent (--dry-run)";
  return [`${name} ${version}: ${outcome}`, ...table(rows).map((row) => `  ${row}`)].map((line) => `${printable(line)}\n`).join("");
}

function signatureRow(signature: PackageSignature): readonly string[] {
  const what = WHAT[signature.kind];
  if (signature.kind === "gpg") return [what, `by the OpenPGP key ${signature.fingerprint}`];
  const { signer, logIndex } = signature.checked;
  return [what, `by ${signer.identity.value} (${signer.issuer}), log index ${logIndex}`];
}
