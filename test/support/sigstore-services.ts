import { createHash, createPublicKey, verify } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { emailName, ISSUER, type Loose, pemOf, SigstoreInstance, uriName } from "./sigstore-instance.ts";

/** An answer that a test puts in the place of the right one. */
export interface WrongAnswer {
  readonly status: number;
  readonly body: string;
}

export interface SigstoreServices {
  readonly instance: SigstoreInstance;
  /** `http://127.0.0.1:<port>`: certificate authority, log and time-stamping authority at once. */
  readonly url: string;
  /** What was asked, in order: method and path. */
  readonly asked: readonly string[];
  /** By path; answered once, before the right one. */
  readonly wrong: Map<string, WrongAnswer>;
  close(): Promise<void>;
}

/** An identity token such as GitHub Actions gives for the workflow that `SigstoreInstance` certifies by itself; `claims` are put over its own. */
export function githubToken(claims: Readonly<Record<string, unknown>> = {}): string {
  return identityToken({
    iss: ISSUER,
    sub: "repo:acme/tool:ref:refs/tags/v1.0.0",
    repository: "acme/tool",
    repository_id: "1234567",
    repository_owner: "acme",
    repository_owner_id: "7654321",
    sha: "a".repeat(40),
    ref: "refs/tags/v1.0.0",
    workflow_ref: "acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
    job_workflow_ref: "acme/tool/.github/workflows/release.yml@refs/tags/v1.0.0",
    runner_environment: "github-hosted",
    event_name: "release",
    run_id: "1",
    run_attempt: "1",
    ...claims,
  });
}

/** Signed by nobody: this certificate authority believes every token. */
export function identityToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ exp: Math.floor(Date.now() / 1000) + 600, aud: "sigstore", ...claims })}.c2lnbmF0dXJl`;
}

/**
 * A private Sigstore instance as signers reach it: Fulcio's `signingCert` (v2), Rekor's `log/entries` (v1) and a time-stamping authority, over HTTP on loopback.
 * What it signs verifies under `instance.trustedRoot()`.
 */
export async function startSigstore(instance = new SigstoreInstance(Date.now())): Promise<SigstoreServices> {
  const asked: string[] = [];
  const wrong = new Map<string, WrongAnswer>();
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    asked.push(`${request.method} ${path}`);
    void readAll(request).then((body) => {
      const instead = wrong.get(path);
      wrong.delete(path);
      const {
        status,
        contentType = "application/json",
        bytes,
      } = instead ? { ...instead, bytes: instead.body } : answer(instance, path, body);
      response.writeHead(status, { "content-type": contentType }).end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    instance,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    wrong,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly bytes: string | Buffer;
}

function answer(instance: SigstoreInstance, path: string, body: Buffer): Answer {
  const request: Loose = JSON.parse(body.toString("utf8"));
  switch (path) {
    case "/api/v2/signingCert":
      return certify(instance, request);
    case "/api/v1/log/entries":
      return record(instance, request);
    case "/api/v1/timestamp":
      return {
        status: 201,
        contentType: "application/timestamp-reply",
        bytes: instance.timestampOf(Buffer.from(request.artifactHash, "base64"), Date.now()),
      };
    default:
      return refusal(404, `there is nothing at ${path}`);
  }
}

/** https://github.com/sigstore/fulcio/blob/main/fulcio.proto */
function certify(instance: SigstoreInstance, { credentials, publicKeyRequest }: Loose): Answer {
  const claims: Loose = JSON.parse(Buffer.from(credentials.oidcIdentityToken.split(".")[1], "base64url").toString("utf8"));
  const key = createPublicKey(publicKeyRequest.publicKey.content);
  const proof = Buffer.from(publicKeyRequest.proofOfPossession, "base64");
  if (!verify("sha256", Buffer.from(claims.email ?? claims.sub), key, proof))
    return refusal(400, "the proof of possession does not verify");
  const { der } = instance.issue({
    spki: key.export({ type: "spki", format: "der" }),
    names: [claims.email ? emailName(claims.email) : uriName(`https://github.com/${claims.job_workflow_ref}`)],
    claims: claims.email ? { 1: claims.iss, 8: claims.iss } : workflowClaims(claims),
    at: Date.now(),
  });
  const certificates = [der, instance.authority.der, instance.rootAuthority.der].map((each) => pemOf(each).toString());
  return { status: 200, bytes: JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } }) };
}

/** Which claim of a GitHub token becomes which extension. https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
function workflowClaims(claims: Loose): Readonly<Record<number, string>> {
  const repository = `https://github.com/${claims.repository}`;
  return {
    1: claims.iss,
    8: claims.iss,
    9: `https://github.com/${claims.job_workflow_ref}`,
    10: claims.sha,
    11: claims.runner_environment,
    12: repository,
    13: claims.sha,
    14: claims.ref,
    15: claims.repository_id,
    16: `https://github.com/${claims.repository_owner}`,
    17: claims.repository_owner_id,
    18: `https://github.com/${claims.workflow_ref}`,
    20: claims.event_name,
    21: `${repository}/actions/runs/${claims.run_id}/attempts/${claims.run_attempt}`,
  };
}

/** https://github.com/sigstore/rekor/blob/main/openapi.yaml: what is proposed, in the form that the log keeps, with its promise and its proof. */
function record(instance: SigstoreInstance, proposed: Loose): Answer {
  const entry = instance.logInRekor1(proposed.kind === "dsse" ? keptEnvelope(proposed) : proposed, Date.now());
  const { inclusionProof: proof } = entry;
  const hex = (base64: string): string => Buffer.from(base64, "base64").toString("hex");
  const uuid = createHash("sha256").update(entry.canonicalizedBody).digest("hex");
  const bytes = JSON.stringify({
    [uuid]: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logID: hex(entry.logId.keyId),
      logIndex: Number(entry.logIndex),
      verification: {
        signedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
        inclusionProof: {
          logIndex: Number(proof.logIndex),
          treeSize: Number(proof.treeSize),
          rootHash: hex(proof.rootHash),
          hashes: proof.hashes.map(hex),
          checkpoint: proof.checkpoint.envelope,
        },
      },
    },
  });
  return { status: 201, bytes };
}

function keptEnvelope({ apiVersion, kind, spec: { proposedContent } }: Loose): Loose {
  const envelope: Loose = JSON.parse(proposedContent.envelope);
  const hash = (bytes: Buffer): Loose => ({ algorithm: "sha256", value: createHash("sha256").update(bytes).digest("hex") });
  return {
    apiVersion,
    kind,
    spec: {
      envelopeHash: hash(Buffer.from(proposedContent.envelope)),
      payloadHash: hash(Buffer.from(envelope.payload, "base64")),
      signatures: [{ signature: envelope.signatures[0].sig, verifier: proposedContent.verifiers[0] }],
    },
  };
}

function refusal(code: number, message: string): Answer {
  return { status: code, bytes: JSON.stringify({ code, message }) };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
