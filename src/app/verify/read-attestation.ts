import { type Checked, found, passed } from "../../core/finding.ts";
import { isJsonObject, type JsonObject } from "../../core/json.ts";
import type { Limits } from "../../core/limits.ts";
import type { SignedItem } from "../../core/ports/ecosystem.ts";
import { readStrictJson } from "../../core/strict-json.ts";
import { parseAttestations } from "../../ecosystems/npm/attestations.ts";
import { parseAttestation, parseProvenance } from "../../ecosystems/pypi/attestations.ts";

/** A Sigstore bundle out of a document that was given. */
export type GivenBundle = Extract<SignedItem, { readonly kind: "sigstore" }>;

interface Shape {
  readonly members: readonly string[];
  readonly read: (body: Buffer, options: { readonly source: string; readonly maxDepth: number }) => Checked<readonly GivenBundle[]>;
}

/** By the members that the one kind of document must have and the others do not. */
const SHAPES: readonly Shape[] = [
  {
    members: ["attestation_bundles"],
    read: (body, options) => bundles(parseProvenance(body, options)),
  },
  {
    members: ["verification_material", "envelope"],
    read: (body, options) => {
      const attestation = parseAttestation(body, options);
      return attestation.ok ? bundles(passed([attestation.value])) : attestation;
    },
  },
  {
    members: ["attestations"],
    read: (body, options) => {
      const parsed = parseAttestations(body, options);
      return parsed.ok
        ? bundles(passed(parsed.value.map((each) => ({ ...each, context: { predicateType: each.predicateType } }))))
        : parsed;
    },
  },
];

/**
 * A PEP 740 attestation, a PEP 740 provenance object or what npm's attestations endpoint answers, told apart by their members: a document that could be two of
 * them is none. BUNDLE_MALFORMED for anything else, and what the parsers of the three find.
 */
export function readAttestation(body: Buffer, source: string, { sidecarBytes, jsonDepth }: Limits): Checked<readonly GivenBundle[]> {
  const document = readStrictJson(body, { maxBytes: sidecarBytes, maxDepth: jsonDepth, what: source, malformed: "BUNDLE_MALFORMED" });
  if (!document.ok) return document;
  const members = isJsonObject(document.value) ? document.value : {};
  const [shape, another] = SHAPES.filter(({ members: wanted }) => wanted.some((member) => Object.hasOwn(members, member)));
  if (!shape || another) return found("BUNDLE_MALFORMED", `${source} ${whatElse(members, another !== undefined)}`);
  return shape.read(body, { source, maxDepth: jsonDepth });
}

function whatElse(members: JsonObject, ambiguous: boolean): string {
  if (ambiguous) return "could be two kinds of attestation at once, so it is neither";
  if (Object.hasOwn(members, "mediaType")) return "is no attestation; a Sigstore bundle is given with --bundle";
  return "is neither a PEP 740 attestation or provenance object nor what npm answers for attestations";
}

function bundles(
  parsed: Checked<readonly { readonly label: string; readonly bundle: Buffer; readonly context: JsonObject }[]>,
): Checked<readonly GivenBundle[]> {
  return parsed.ok ? passed(parsed.value.map(({ label, bundle, context }) => ({ kind: "sigstore", label, bundle, context }))) : parsed;
}
