import { AssayError } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../core/json.ts";
import type { DocumentRequest, HeldDocument } from "../../core/ports/documents.ts";
import type { EcosystemServices, Freshness, Repository } from "../../core/ports/ecosystem.ts";
import { freshnessOf, oldest } from "./freshness.ts";
import type { KnownPackage } from "./known-package.ts";
import type { PackageVersion } from "./package.ts";
import { integrityOf } from "./page.ts";
import { sidecarRequest } from "./sidecar.ts";
import { requireJson, UAAPS_ACCEPT } from "./sources/http-registry.ts";
import { isFolder } from "./sources/sources-of.ts";

type Services = Pick<EcosystemServices, "documents" | "limits">;

/** Everything published to vouch for one version, in the shape of the protocol's `/signature`. Passed on, not judged: the archive's road does that. */
export interface SignatureDocument {
  readonly body: JsonObject;
  readonly freshness: Freshness;
}

interface Evidence {
  readonly signatures: readonly JsonValue[];
  readonly attestations: readonly JsonValue[];
}

/**
 * A version that nobody signed has empty lists: a 404 could not be told from a signature that somebody took away.
 * Throws what `Documents` throws, and UPSTREAM_NOT_CONFIGURED where the upstream that had the version is gone from the configuration.
 */
export async function signatureDocument(
  services: Services,
  repository: Repository,
  known: KnownPackage,
  version: PackageVersion,
): Promise<SignatureDocument> {
  const { name } = known.package;
  const held: HeldDocument[] = [];
  const evidence = isFolder(upstreamOf(known, version)) ? await fromSidecars() : await fromRegistry();
  const integrity = integrityOf(known, version);
  return {
    body: { formatVersion: 1, name, version: version.version, ...(integrity === undefined ? {} : { integrity }), ...evidence },
    freshness: oldest([known.freshness, ...held.map(freshnessOf)]),
  };

  async function fromRegistry(): Promise<Evidence> {
    const document = await get(registryRequest(services, repository, known, version));
    if (!document) return { signatures: [], attestations: [] };
    const answer = readRegistryAnswer(document, services, known, version);
    return { signatures: objectsIn(answer["signatures"]), attestations: objectsIn(answer["attestations"]) };
  }

  async function fromSidecars(): Promise<Evidence> {
    const [sigstore, gpg, provenance] = await Promise.all(
      SIDECARS.map(({ ending, check }) =>
        get(sidecarRequest(services, { repository, upstream: upstreamOf(known, version), name, version, ending, check })),
      ),
    );
    const bundle = (document: HeldDocument): JsonObject => parseBundle(document.body, services.limits.jsonDepth);
    return {
      signatures: [
        ...(sigstore ? [{ type: "sigstore", bundle: bundle(sigstore) }] : []),
        ...(gpg ? [{ type: "gpg", signature: gpg.body.toString("utf8") }] : []),
      ],
      attestations: provenance ? [attestation(bundle(provenance), services.limits.jsonDepth)] : [],
    };
  }

  async function get(request: DocumentRequest): Promise<HeldDocument | undefined> {
    const document = await services.documents.get([request]);
    if (document) held.push(document);
    return document;
  }
}

/** The files beside an archive in a local registry, in the order `fromSidecars` reads them. */
const SIDECARS: readonly { readonly ending: string; readonly check: (body: Buffer, maxDepth: number) => void }[] = [
  { ending: ".sigstore.json", check: parseBundle },
  { ending: ".asc", check: requireArmor },
  { ending: ".provenance.json", check: parseBundle },
];

function parseBundle(body: Buffer, maxDepth: number): JsonObject {
  return parseJsonObject(body, { maxDepth, source: "the bundle beside the archive" });
}

function requireArmor(body: Buffer): void {
  if (body.toString("latin1", 0, 64).startsWith("-----BEGIN PGP SIGNATURE-----")) return;
  throw new AssayError("UPSTREAM_MALFORMED", "the .asc file beside the archive is no armored OpenPGP signature");
}

/** The predicate type is read from the signed statement, for clients that choose by it; it is as unverified as the rest. */
function attestation(bundle: JsonObject, maxDepth: number): JsonObject {
  const envelope = bundle["dsseEnvelope"] ?? bundle;
  const payload = isJsonObject(envelope) ? envelope["payload"] : undefined;
  if (typeof payload !== "string") return { bundle };
  try {
    const { predicateType } = parseJsonObject(Buffer.from(payload, "base64"), { maxDepth, source: "the attestation's payload" });
    return typeof predicateType === "string" ? { predicateType, bundle } : { bundle };
  } catch (error) {
    if (error instanceof AssayError) return { bundle };
    throw error;
  }
}

function registryRequest(services: Services, repository: Repository, known: KnownPackage, version: PackageVersion): DocumentRequest {
  const { name } = known.package;
  const upstream = upstreamOf(known, version);
  return {
    repository: repository.name,
    key: `signature/${name}/${version.version}`,
    upstream,
    url: new URL(`packages/${name}/${version.version}/signature`, upstream.url),
    accept: UAAPS_ACCEPT,
    maxBytes: services.limits.sidecarBytes,
    read(document) {
      readRegistryAnswer(document, services, known, version);
      return undefined;
    },
  };
}

/** Throws UPSTREAM_MALFORMED for evidence that names another package or version. */
function readRegistryAnswer(
  document: Pick<HeldDocument, "body" | "contentType" | "url">,
  { limits }: Services,
  known: KnownPackage,
  version: PackageVersion,
): JsonObject {
  requireJson(document);
  const source = `the signatures of ${known.package.name}@${version.version}`;
  const answer = parseJsonObject(document.body, { maxDepth: limits.jsonDepth, source });
  for (const [field, expected] of [
    ["name", known.package.name],
    ["version", version.version],
  ] as const) {
    const said = answer[field];
    if (said !== undefined && said !== expected) {
      throw new AssayError("UPSTREAM_MALFORMED", `${source} say ${field} ${JSON.stringify(said).slice(0, 150)}`);
    }
  }
  return answer;
}

function upstreamOf(known: KnownPackage, version: PackageVersion): NonNullable<KnownPackage["upstream"]> {
  if (known.upstream) return known.upstream;
  throw new AssayError(
    "UPSTREAM_NOT_CONFIGURED",
    `no upstream has ${known.package.name}@${version.version} any more, so its signatures cannot be asked for`,
  );
}

function objectsIn(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
