import type { JsonValue } from "../../core/json.ts";
import type { EcosystemRequest, Freshness, PageAnswer } from "../../core/ports/ecosystem.ts";
import type { PackageName } from "./names.ts";

/** Where clients reach this repository: origin and mount, without a final slash. */
export function baseOf(request: Pick<EcosystemRequest, "origin" | "mount">): string {
  return `${request.origin}${request.mount}`;
}

interface PageOptions {
  readonly contentType: string;
  readonly freshness: Freshness;
  /** The package it is about. */
  readonly name?: PackageName;
  readonly headers?: Readonly<Record<string, string>>;
}

export function jsonPage(value: JsonValue, { contentType, freshness, name, headers }: PageOptions): PageAnswer {
  return {
    kind: "page",
    contentType,
    body: jsonBody(value),
    freshness,
    varies: { accept: true, origin: true },
    ...(name === undefined ? {} : { name }),
    ...(headers === undefined ? {} : { headers }),
  };
}

export function jsonBody(value: JsonValue): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
