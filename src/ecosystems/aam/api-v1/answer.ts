import type { EcosystemAnswer, EcosystemRequest, Repository } from "../../../core/ports/ecosystem.ts";
import { archiveAnswer } from "../archive-answer.ts";
import { markedPackage, versionOf } from "../marks.ts";
import { baseOf, jsonPage } from "../page.ts";
import { requireUpstreams } from "../resolve.ts";
import type { AamServices } from "../services.ts";
import { signatureDocument } from "../signatures/signature-document.ts";
import { downloadName, packageDocument, tagsDocument, versionDocument, versionsDocument } from "./documents.ts";
import { packagePage } from "./package-page.ts";
import { parseRoute } from "./routes.ts";

const JSON_TYPE = "application/json";

/** A GET or HEAD of the AAM HTTP registry protocol. It has one media type, and nothing is negotiated. Throws what `Ecosystem.handle` throws. */
export async function answerApiV1(services: AamServices, repository: Repository, request: EcosystemRequest): Promise<EcosystemAnswer> {
  const route = parseRoute(request.segments.slice(2));
  if (route.kind === "download") return archiveAnswer(repository, route, downloadName(route.name, route.version));
  if (route.kind === "packages") {
    requireUpstreams(repository);
    return packagePage(services, repository, request);
  }
  const known = await markedPackage(services, repository, route.name, "version" in route ? route.version : undefined);
  const options = { contentType: JSON_TYPE, freshness: known.freshness, name: route.name };
  switch (route.kind) {
    case "package":
      return jsonPage(packageDocument(known), options);
    case "versions":
      return jsonPage(versionsDocument(known), options);
    case "tags":
      return jsonPage(tagsDocument(known), options);
    case "version":
      return jsonPage(versionDocument(known, versionOf(known, route.version), baseOf(request)), options);
    case "signature": {
      const signature = await signatureDocument(services, repository, known, versionOf(known, route.version));
      return jsonPage(signature.body, { ...options, freshness: signature.freshness });
    }
    default:
      return route satisfies never;
  }
}
