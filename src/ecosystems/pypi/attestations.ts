import { type Checked, found, passed } from "../../core/finding.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../core/json-fields.ts";
import { readStrictJson } from "../../core/strict-json.ts";
import { type Publisher, readPublisher } from "./publisher.ts";
import { requireVersion, toSigstoreBundle, UnsupportedAttestation } from "./sigstore-bundle.ts";

/** What an attestation may say: who uploaded the file, and how it was built. PEP 740. */
export const ACCEPTED_PREDICATES: ReadonlySet<string> = new Set([
  "https://docs.pypi.org/attestations/publish/v1",
  "https://slsa.dev/provenance/v1",
]);

/** Bytes of one provenance object. One attestation has about 8 KiB; the index takes two for a file. */
const MAX_PROVENANCE_BYTES = 4 * 1024 * 1024;
/** Attestations in one provenance object. */
const MAX_ATTESTATIONS = 64;

/** One PEP 740 attestation. Nothing in it is believed yet. */
export interface Attestation {
  /** For people: `PEP 740 attestation 1`. */
  readonly label: string;
  /** Who the index says published it; undefined where it does not say. The certificate decides, see `checkPublisher`. */
  readonly publisher: Publisher | undefined;
  /** The same as the index writes it, for a `SignedItem`; `publisherOf` reads it again. */
  readonly context: JsonObject;
  /** A Sigstore bundle as JSON. */
  readonly bundle: Buffer;
}

export interface AttestationOptions {
  /** The document's name in a finding: "the provenance of demo-1.0.tar.gz". */
  readonly source: string;
  readonly maxDepth: number;
}

/**
 * Takes a provenance object apart. One without attestations has no items: nothing is attested then, which is not the same as verified.
 * BUNDLE_MALFORMED for what is no such object, BUNDLE_UNSUPPORTED for versions, publishers and logs that cannot be checked, BUNDLE_LIMIT past the bounds.
 * One attestation that is wrong spoils the document. https://peps.python.org/pep-0740/#provenance-objects
 */
export function parseProvenance(body: Buffer, options: AttestationOptions): Checked<readonly Attestation[]> {
  return parse(body, options, (document) => {
    const provenance = new JsonFields(document, "provenance");
    requireVersion(provenance, "provenance");
    const listed = provenance.list("attestation_bundles").flatMap((bundle) => {
      const named = { publisher: readPublisher(bundle), context: { publisher: bundle.value("publisher") ?? null } };
      return bundle.list("attestations").map((attestation) => ({ ...named, attestation }));
    });
    if (listed.length > MAX_ATTESTATIONS)
      return found("BUNDLE_LIMIT", `${options.source} has ${listed.length} attestations, more than ${MAX_ATTESTATIONS}`);
    return passed(listed.map(({ attestation, ...named }, index) => ({ ...named, ...attested(attestation, index + 1) })));
  });
}

/** A single attestation object, as `pypi-attestations sign` writes it beside a distribution. */
export function parseAttestation(body: Buffer, options: AttestationOptions): Checked<Attestation> {
  return parse(body, options, (document) =>
    passed({ publisher: undefined, context: {}, ...attested(new JsonFields(document, "attestation"), 1) }),
  );
}

function attested(attestation: JsonFields, number: number): Pick<Attestation, "label" | "bundle"> {
  return { label: `PEP 740 attestation ${number}`, bundle: Buffer.from(JSON.stringify(toSigstoreBundle(attestation))) };
}

function parse<T>(body: Buffer, { source, maxDepth }: AttestationOptions, read: (document: JsonValue) => Checked<T>): Checked<T> {
  const document = readStrictJson(body, { maxBytes: MAX_PROVENANCE_BYTES, maxDepth, what: source, malformed: "BUNDLE_MALFORMED" });
  if (!document.ok) return document;
  try {
    return read(document.value);
  } catch (error) {
    if (error instanceof JsonShapeError) return found("BUNDLE_MALFORMED", `${source}: ${error.message}`);
    if (error instanceof UnsupportedAttestation) return found("BUNDLE_UNSUPPORTED", `${source}: ${error.message}`);
    throw error;
  }
}
