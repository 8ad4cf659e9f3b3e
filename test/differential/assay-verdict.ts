import type { Digests } from "../../src/core/digest.ts";
import type { Finding } from "../../src/core/finding.ts";
import { parseAttestation, parseProvenance } from "../../src/ecosystems/pypi/attestations.ts";
import { checkSigned } from "../../src/ecosystems/pypi/check-signed.ts";
import { contradiction } from "../../src/verify/provenance/contradiction.ts";
import { type VerifiedBundle, verifyBundle } from "../../src/verify/sigstore/verify-bundle.ts";
import type { Specimen } from "./specimen.ts";

const OPTIONS = { source: "the document", maxDepth: 64 };
/** What a file that is known by another digest only is taken to have: nothing signs it. */
const NO_SHA256 = "0".repeat(64);

/** Why Assay refuses the document; undefined where it accepts. By the same functions that it calls for a document of an index. */
export function assayFinding(specimen: Omit<Specimen, "json">, document: Buffer): Finding | undefined {
  const digests: Digests = { sha256: NO_SHA256, ...specimen.digests };
  if (specimen.kind === "bundle") return judge(document, specimen, digests, () => undefined);
  const parsed = specimen.kind === "provenance" ? parseProvenance(document, OPTIONS) : parseAttestation(document, OPTIONS);
  if (!parsed.ok) return parsed.finding;
  const items = [parsed.value].flat();
  if (items.length === 0) return { code: "BUNDLE_MALFORMED", detail: "nothing is attested" };
  const ref = { repository: "pypi", ecosystem: "pypi", name: "", version: "", file: specimen.file } as const;
  for (const item of items) {
    const finding = judge(item.bundle, specimen, digests, (verified) => {
      const signed = signedBy(verified);
      return checkSigned(ref, { kind: "sigstore", ...item }, signed, digests) ?? contradiction(signed);
    });
    if (finding) return finding;
  }
  return undefined;
}

function judge(
  bundle: Buffer,
  { root, keys }: Pick<Specimen, "root" | "keys">,
  digests: Digests,
  check: (verified: VerifiedBundle) => Finding | undefined,
): Finding | undefined {
  const verified = verifyBundle({ bundle, root, artifact: { digests }, keys });
  return verified.ok ? check(verified.value) : verified.finding;
}

function signedBy({ signer, content }: VerifiedBundle): Parameters<typeof contradiction>[0] {
  return content.kind === "statement" ? { signer, statement: content.statement } : { signer };
}
