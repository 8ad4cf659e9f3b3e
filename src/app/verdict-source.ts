import { AssayError } from "../core/errors.ts";
import type { EcosystemServices } from "../core/ports/ecosystem.ts";
import type { VerdictSource } from "../verify/vsa.ts";

const TYPES: ReadonlySet<string> = new Set(["application/vnd.dsse.envelope.v1+json", "application/json"]);

/**
 * Another Assay's verdict: at the archive's own address and `.vsa`. It is asked for once the archive is here, because a mirror that has just fetched it for us knows only
 * then. What was fetched once is kept as evidence, whatever becomes of that mirror.
 */
export function verdictSource({ documents, limits }: Pick<EcosystemServices, "documents" | "limits">): VerdictSource {
  return async ({ ref, resolution }) => {
    const url = new URL(resolution.url);
    url.pathname += ".vsa";
    const document = await documents.get([
      {
        repository: ref.repository,
        key: `vsa/${ref.name}/${ref.version}/${ref.file}`,
        package: ref.name,
        upstream: resolution.upstream,
        url,
        accept: [...TYPES].join(", "),
        maxBytes: limits.sidecarBytes,
        keepWhenAbsent: true,
        read: ({ contentType }) => {
          if (TYPES.has(contentType)) return undefined;
          throw new AssayError(
            "UPSTREAM_CONTENT_TYPE",
            `expected a signed verdict beside ${ref.file}, got ${JSON.stringify(contentType.slice(0, 80))}`,
            {
              help: "is the upstream an Assay? `verdicts: true` says so",
            },
          );
        },
      },
    ]);
    return document?.body;
  };
}
