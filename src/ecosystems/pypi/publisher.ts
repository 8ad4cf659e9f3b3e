import { type Checked, found, passed } from "../../core/finding.ts";
import type { JsonObject } from "../../core/json.ts";
import { JsonFields } from "../../core/json-fields.ts";
import { quote } from "../../core/quote.ts";
import type { SigstoreSigner, SourceClaims } from "../../core/signer.ts";
import { UnsupportedAttestation } from "./sigstore-bundle.ts";

/**
 * Who an index says published a file. A claim of the index that nobody signed: it is only compared with the certificate.
 * https://packaging.python.org/en/latest/specifications/index-hosted-attestations/#provenance-objects
 */
export type Publisher =
  | { readonly kind: "GitHub"; readonly repository: string; readonly workflow: string; readonly environment: string | undefined }
  | { readonly kind: "GitLab"; readonly repository: string; readonly workflowPath: string; readonly environment: string | undefined }
  | { readonly kind: "Google"; readonly email: string }
  | {
      readonly kind: "CircleCI";
      readonly projectId: string;
      readonly pipelineDefinitionId: string;
      readonly origin: string | undefined;
      readonly ref: string | undefined;
    };

const ISSUERS: Readonly<Record<Publisher["kind"], string>> = {
  GitHub: "https://token.actions.githubusercontent.com",
  GitLab: "https://gitlab.com",
  Google: "https://accounts.google.com",
  CircleCI: "https://oidc.circleci.com",
};

/** The `publisher` of an attestation bundle; undefined where it is null. Throws JsonShapeError, and UnsupportedAttestation for a kind that is not known. */
export function readPublisher(bundle: JsonFields): Publisher | undefined {
  const publisher = bundle.optionalObject("publisher");
  if (!publisher) return undefined;
  const kind = publisher.text("kind");
  switch (kind) {
    case "GitHub":
      return {
        kind,
        repository: publisher.text("repository"),
        workflow: publisher.text("workflow"),
        environment: environmentOf(publisher),
      };
    case "GitLab":
      return {
        kind,
        repository: publisher.text("repository"),
        workflowPath: publisher.text("workflow_filepath"),
        environment: environmentOf(publisher),
      };
    case "Google":
      return { kind, email: publisher.text("email") };
    case "CircleCI":
      return {
        kind,
        projectId: publisher.text("project_id"),
        pipelineDefinitionId: publisher.text("pipeline_definition_id"),
        origin: publisher.optionalText("vcs_origin"),
        ref: publisher.optionalText("vcs_ref"),
      };
    default:
      throw new UnsupportedAttestation(`its publisher is of the kind ${quote(kind)}, which is not known`);
  }
}

/** The publisher in an attestation's `context`, which `parseProvenance` has read before: what is no publisher is a bug, and throws. */
export function publisherOf(context: JsonObject | undefined): Publisher | undefined {
  return readPublisher(new JsonFields(context ?? {}, "context"));
}

/** Indexes write `null` or an empty text where there is none. */
function environmentOf(publisher: JsonFields): string | undefined {
  return publisher.value("environment") === "" ? undefined : publisher.optionalText("environment");
}

/**
 * Whether the certificate is the named publisher's. PUBLISHER_MISMATCH where it is not: then the index says of the file what its signature does not.
 * Where the index names nobody there is nothing to compare.
 */
export function checkPublisher(publisher: Publisher | undefined, signer: SigstoreSigner): Checked<void> {
  if (!publisher) return passed(undefined);
  const issuer = ISSUERS[publisher.kind];
  if (signer.issuer !== issuer) return mismatch("issuer", issuer, signer.issuer);
  switch (publisher.kind) {
    case "GitHub": {
      const repository = `https://github.com/${publisher.repository}`;
      return (
        different("repository", repository, signer.source.repository) ??
        // The workflow at the top: the identity may be a reusable workflow of somebody else's.
        differentWorkflow(`${repository}/.github/workflows/${publisher.workflow}`, signer.source) ??
        differentEnvironment(publisher.environment, signer.source) ??
        passed(undefined)
      );
    }
    case "GitLab": {
      const repository = `https://gitlab.com/${publisher.repository}`;
      return (
        different("repository", repository, signer.source.repository) ??
        differentWorkflow(`${repository}//${publisher.workflowPath}`, signer.source) ??
        differentEnvironment(publisher.environment, signer.source) ??
        passed(undefined)
      );
    }
    case "Google": {
      const { type, value } = signer.identity;
      return type === "email" && value === publisher.email ? passed(undefined) : mismatch("e-mail address", publisher.email, value);
    }
    case "CircleCI": {
      const pipeline = `https://circleci.com/api/v2/projects/${publisher.projectId}/pipeline-definitions/${publisher.pipelineDefinitionId}`;
      const { origin, ref } = publisher;
      return (
        different("pipeline", pipeline, signer.source.buildSigner) ??
        (origin === undefined ? undefined : different("repository", origin, signer.source.repository)) ??
        (ref === undefined ? undefined : different("ref", ref, signer.source.ref)) ??
        passed(undefined)
      );
    }
    default:
      return publisher satisfies never;
  }
}

type Mismatch = ReturnType<typeof found> | undefined;

function different(what: string, named: string, certified: string | undefined): Mismatch {
  return named === certified ? undefined : mismatch(what, named, certified);
}

/** The build config URI is `<workflow>@<ref or commit>`. Compared whole: a ref is text that its author chose. */
function differentWorkflow(workflow: string, { buildConfig, ref, commit }: SourceClaims): Mismatch {
  const possible = [ref, commit].flatMap((at) => (at === undefined ? [] : [`${workflow}@${at}`]));
  return buildConfig !== undefined && possible.includes(buildConfig) ? undefined : mismatch("workflow", workflow, buildConfig);
}

/** Most certificates do not name the environment; then nothing is known of it. */
function differentEnvironment(named: string | undefined, { environment }: SourceClaims): Mismatch {
  return named === undefined || environment === undefined || named === environment
    ? undefined
    : mismatch("environment", named, environment);
}

function mismatch(what: string, named: string, certified: string | undefined): ReturnType<typeof found> {
  return found(
    "PUBLISHER_MISMATCH",
    `the index names the publisher's ${what} ${quote(named)}, the certificate ${certified === undefined ? "none" : quote(certified)}`,
  );
}
