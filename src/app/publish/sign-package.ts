import { AssayError } from "../../core/errors.ts";
import type { OpenpgpSigner } from "../../verify/openpgp/sign-openpgp.ts";
import type { IdentityToken } from "../../verify/signing/identity-token.ts";
import { type SigstoreServices, SigstoreSigning } from "../../verify/signing/sigstore-signing.ts";
import type { TrustRoot } from "../../verify/sigstore/trust-root.ts";
import { readBuildEnvironment } from "./build-environment.ts";
import { type CheckedBundle, checkBundle } from "./check-bundle.ts";
import { readGitSource } from "./git-source.ts";
import { provenanceStatement } from "./provenance-statement.ts";
import type { PackageToPublish } from "./read-package.ts";

/** Something that was signed for a package, and by whom. */
export type PackageSignature =
  | { readonly kind: "sigstore" | "provenance"; readonly text: Buffer; readonly checked: CheckedBundle }
  | { readonly kind: "gpg"; readonly text: Buffer; readonly fingerprint: string };

export interface SigningWishes {
  /** Sign the archive's bytes with the Sigstore instance. */
  readonly sign: boolean;
  readonly sigstore: { readonly services: SigstoreServices; readonly token: () => Promise<IdentityToken>; readonly root: TrustRoot };
  readonly openpgp: OpenpgpSigner | undefined;
  readonly provenance: ProvenanceWishes | undefined;
}

export interface ProvenanceWishes {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly builderId: string | undefined;
  readonly allowDirty: boolean;
}

/** Changes that a message names. */
const SHOWN_CHANGES = 5;

/**
 * Signs a package as wished, and verifies each signature as a mirror would before it is handed on. What can be known to be wrong is, before anybody is asked to sign: the log of a Sigstore instance
 * forgets nothing. Throws UNPROCESSABLE for a tree with changes and for what no mirror would take, USAGE for an archive of unknown source, and what
 * `readGitSource`, `provenanceStatement` and `SigstoreSigning` throw.
 */
export async function signPackage(subject: PackageToPublish, wishes: SigningWishes): Promise<readonly PackageSignature[]> {
  const { sign, sigstore, openpgp, provenance } = wishes;
  const statement = provenance && (await statementOf(subject, provenance));
  const signatures: PackageSignature[] = [];
  if (openpgp) signatures.push({ kind: "gpg", text: Buffer.from(await openpgp.sign(subject.bytes)), fingerprint: openpgp.fingerprint });
  if (!sign && !statement) return signatures;
  const signing = new SigstoreSigning(sigstore.services, await sigstore.token());
  const checked = (kind: "sigstore" | "provenance", text: Buffer): PackageSignature => ({
    kind,
    text,
    checked: checkBundle(text, subject.digest, sigstore.root),
  });
  if (sign) signatures.push(checked("sigstore", await signing.signBytes(subject.bytes)));
  if (statement) signatures.push(checked("provenance", await signing.signStatement(statement)));
  return signatures;
}

async function statementOf(subject: PackageToPublish, { env, builderId, allowDirty }: ProvenanceWishes): Promise<Buffer> {
  const { packing } = subject;
  if (!packing) {
    throw new AssayError("USAGE", "--provenance says what an archive was packed from, which an archive alone does not show", {
      help: "give the package's folder in place of the archive, or beside it: --source DIR",
    });
  }
  const { folder, paths, ...times } = packing;
  const git = await readGitSource(folder, { env, packed: paths });
  if (git.changes.length > 0 && !allowDirty) {
    const more = git.changes.length - SHOWN_CHANGES;
    const shown = [...git.changes.slice(0, SHOWN_CHANGES), ...(more > 0 ? [`and ${more} more`] : [])];
    throw new AssayError("UNPROCESSABLE", `the folder is not as it is in the commit ${git.commit}:\n  ${shown.join("\n  ")}`, {
      help: "commit or remove the changes; --allow-dirty states them, and gives up the claim that the package can be rebuilt",
    });
  }
  const { name, version, digest } = subject;
  return provenanceStatement({ subject: { name, version, digest, ...times }, git, build: readBuildEnvironment(env), builderId });
}
