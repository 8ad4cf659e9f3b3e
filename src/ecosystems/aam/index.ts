import { AssayError } from "../../core/errors.ts";
import type { Ecosystem, EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { answerApiV1 } from "./api-v1/answer.ts";
import { checkSigned } from "./check-signed.ts";
import { manage } from "./hosted/manage.ts";
import { AAM_FORMAT, identify } from "./identify.ts";
import { tagsOf } from "./known-package.ts";
import { problemBody } from "./problem.ts";
import { published } from "./published.ts";
import { releases } from "./releases.ts";
import { listed, recall, resolve } from "./resolve.ts";
import type { AamServices } from "./services.ts";
import { heldItems } from "./signatures/held-items.ts";
import { Dialects } from "./sources/dialects.ts";
import { answerUaaps } from "./uaaps/answer.ts";
import { memberFor } from "./virtual/owner-of.ts";

/**
 * AAM packages: the read side of both HTTP dialects, UAAPS and below `/api/v1` the AAM one, over the same packages and archives; from upstreams that speak either, and from
 * local registries in either layout.
 */
export function createAam(common: EcosystemServices): Ecosystem {
  const services: AamServices = { ...common, dialects: new Dialects(common) };
  const { publishing, limits } = services;
  return {
    ...(publishing ? { manage: (repository, request) => manage({ publishing, limits }, repository, request) } : {}),
    id: "aam",
    algorithms: [],
    memberFor: (repository, segments) => memberFor(services, repository, segments),
    handle: async (repository, request) => handle(services, repository, request),
    listed: (repository, name) => listed(services, repository, name),
    resolve: (repository, ref) => resolve(services, repository, ref),
    recall: (repository, ref, said) => recall(services, repository, ref, said),
    tags: (repository, ref) => tagsOf(services, repository, ref),
    releases: (repository, name) => releases(services, repository, name),
    published: (repository, resolution) => published(services, repository, resolution),
    heldItems: (repository, resolution) => heldItems(services, repository, resolution),
    checkSigned,
    companions: ({ name, version }) =>
      [[], ["api", "v1"]].flatMap((dialect) => {
        const path = [...dialect, "packages", name];
        return [path, [...path, version], [...path, version, "signature"]];
      }),
    archiveFormat: (ref) => (ref.file.endsWith(".aam") ? AAM_FORMAT : undefined),
    identify: (ref, manifests) => identify(ref, manifests, services.limits),
    problemBody,
  };
}

function handle(services: AamServices, repository: Repository, request: EcosystemRequest): Promise<EcosystemAnswer> {
  if (request.method === "POST") {
    throw new AssayError("METHOD_NOT_ALLOWED", `${request.mount.slice(1)} takes no writes: it answers GET and HEAD`, {
      help: "publish to a hosted repository, or to the registry itself",
    });
  }
  const [first, second] = request.segments;
  return first === "api" && second === "v1" ? answerApiV1(services, repository, request) : answerUaaps(services, repository, request);
}
