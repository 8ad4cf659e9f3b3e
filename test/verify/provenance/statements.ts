import type { JsonObject, JsonValue } from "../../../src/core/json.ts";
import type { SigstoreSigner, SourceClaims } from "../../../src/core/signer.ts";
import type { Statement } from "../../../src/core/statement.ts";
import { PREDICATE_TYPES } from "../../../src/verify/provenance/predicate.ts";

export const COMMIT = "08802efe1f8e5fec4ad842d6b8ce97656092ee72";
export const OTHER_COMMIT = "f0b49a04e5a62250e0f60fb128004a73110fe311";
export const REPOSITORY = "https://github.com/acme/tool";
export const REF = "refs/tags/v1.3.0";
export const WORKFLOW = ".github/workflows/publish.yml";
const SHA256 = "ab".repeat(32);

const WORKFLOW_URI = `${REPOSITORY}/${WORKFLOW}@${REF}`;

/** A certificate of GitHub Actions with all its extensions. `undefined` takes one away. */
export function githubSigner(changes: { readonly [Name in keyof SourceClaims]?: string | undefined } = {}): SigstoreSigner {
  const source = {
    repository: REPOSITORY,
    repositoryId: "772247423",
    ownerId: "2314423",
    commit: COMMIT,
    ref: REF,
    buildConfig: WORKFLOW_URI,
    buildSigner: WORKFLOW_URI,
    runner: "github-hosted",
    trigger: "release",
    invocation: `${REPOSITORY}/actions/runs/12/attempts/1`,
    ...changes,
  };
  return {
    kind: "sigstore",
    trust: "public",
    issuer: "https://token.actions.githubusercontent.com",
    identity: { type: "uri", value: WORKFLOW_URI },
    source: Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)),
  };
}

export function emailSigner(): SigstoreSigner {
  return {
    kind: "sigstore",
    trust: "public",
    issuer: "https://accounts.google.com",
    identity: { type: "email", value: "dev@acme.example" },
    source: {},
  };
}

const SOURCE_URI = `git+${REPOSITORY}@${REF}`;

const UAAPS: JsonObject = {
  builder: { id: "https://github.com/actions/runner" },
  buildType: "https://uaaps.github.io/build/aam-pack/v1",
  invocation: { configSource: { uri: SOURCE_URI, digest: { sha1: COMMIT }, entryPoint: WORKFLOW } },
  metadata: {
    buildStartedOn: "2026-02-22T14:30:00Z",
    buildFinishedOn: "2026-02-22T14:30:45Z",
    completeness: { parameters: true, environment: true, materials: true },
    reproducible: false,
  },
  materials: [{ uri: SOURCE_URI, digest: { sha1: COMMIT } }],
};

const SLSA_V02: JsonObject = {
  builder: { id: "https://github.com/npm/cli@9.4.2" },
  buildType: "https://github.com/npm/cli/gha@v0",
  invocation: { configSource: { uri: SOURCE_URI, digest: { sha1: COMMIT }, entryPoint: `acme/tool/${WORKFLOW}@${REF}` } },
  metadata: { reproducible: false },
  materials: [{ uri: `git+${REPOSITORY}`, digest: { sha1: COMMIT } }],
};

const SLSA_V1: JsonObject = {
  buildDefinition: {
    buildType: "https://actions.github.io/buildtypes/workflow/v1",
    externalParameters: { workflow: { ref: REF, repository: REPOSITORY, path: WORKFLOW } },
    internalParameters: {
      github: { event_name: "release", repository_id: "772247423", repository_owner_id: "2314423", runner_environment: "github-hosted" },
    },
    resolvedDependencies: [{ uri: SOURCE_URI, digest: { gitCommit: COMMIT } }],
  },
  runDetails: {
    builder: { id: "https://github.com/actions/runner/github-hosted" },
    metadata: { invocationId: `${REPOSITORY}/actions/runs/12/attempts/1` },
  },
};

const NPM_PUBLISH: JsonObject = { name: "tool", version: "1.3.0", registry: "https://registry.example" };

export const PREDICATES: Readonly<Record<keyof typeof PREDICATE_TYPES, JsonObject | null>> = {
  uaaps: UAAPS,
  slsaV02: SLSA_V02,
  slsaV1: SLSA_V1,
  pypiPublish: null,
  npmPublish: NPM_PUBLISH,
};

/** A change at a place in the predicate, `invocation.configSource.uri` or `materials.0.uri`; `undefined` takes the member away. */
export type Changes = Readonly<Record<string, JsonValue | undefined>>;

export function statementOf(name: keyof typeof PREDICATE_TYPES, changes: Changes = {}, more: Partial<Statement> = {}): Statement {
  const predicate = structuredClone(PREDICATES[name]);
  for (const [path, value] of Object.entries(changes)) change(predicate, path.split("."), value);
  return {
    type: "https://in-toto.io/Statement/v1",
    subjects: [{ name: "@acme/tool-1.3.0.aam", digest: { sha256: SHA256 } }],
    predicateType: PREDICATE_TYPES[name],
    predicate,
    ...more,
  };
}

function change(target: unknown, [first = "", ...rest]: readonly string[], value: JsonValue | undefined): void {
  const object = target as Record<string, unknown>;
  if (rest.length > 0) change(object[first], rest, value);
  else if (value === undefined) delete object[first];
  else object[first] = value;
}
