import type { EcosystemId } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Ecosystem, EcosystemServices } from "../../core/ports/ecosystem.ts";
import type { Log } from "../../core/ports/log.ts";
import { createEcosystems } from "../../ecosystems/index.ts";

/** The rules of the ecosystems for files that no registry was asked for. */
export function ecosystemRules(id: EcosystemId, { limits, log }: { readonly limits: Limits; readonly log: Log }): Ecosystem {
  const nobody = async (): Promise<never> => {
    throw new AssayError("OFFLINE", "nobody is asked where only a file is looked at");
  };
  const services: EcosystemServices = {
    documents: { get: nobody },
    index: { file: nobody, files: nobody, admitted: nobody },
    foresight: { marks: nobody, barred: () => new Map() },
    upstream: { fetch: nobody },
    limits,
    log,
    upstreamsFor: () => [],
  };
  return createEcosystems(services)[id];
}
