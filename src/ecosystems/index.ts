import type { EcosystemId } from "../core/artifact.ts";
import type { Ecosystem, EcosystemServices } from "../core/ports/ecosystem.ts";
import { createAam } from "./aam/index.ts";
import { createNpm } from "./npm/index.ts";
import { createPypi } from "./pypi/index.ts";

/** A new ecosystem is one folder and one line here. */
export function createEcosystems(services: EcosystemServices): Readonly<Record<EcosystemId, Ecosystem>> {
  return {
    pypi: createPypi(services),
    npm: createNpm(services),
    aam: createAam(services),
  };
}
