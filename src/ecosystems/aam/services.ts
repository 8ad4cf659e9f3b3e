import type { EcosystemServices } from "../../core/ports/ecosystem.ts";
import type { Dialects } from "./sources/dialects.ts";

/** What this ecosystem works with: what every one does, and what it knows of its upstreams. */
export interface AamServices extends EcosystemServices {
  readonly dialects: Dialects;
}
