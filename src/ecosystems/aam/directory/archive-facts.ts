import { isUtf8 } from "node:buffer";
import { AssayError } from "../../../core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../../../core/json.ts";
import type { Manifest } from "../../../core/ports/ecosystem.ts";
import { parseYamlObject } from "../../../core/yaml-document.ts";
import { type ClientManifest, readClientManifest } from "./client-manifest.ts";

/** What an archive says of itself, for a registry in a folder: its own words, and nobody's about it. */
export interface ArchiveFacts {
  /** From `package.agent.json`, else from `aam.yaml`; what is not of the right type is left out. */
  readonly shown: JsonObject;
  /** As the `aam` client reads it, or why it could not. */
  readonly client: ClientManifest | { readonly problem: string };
}

const TEXTS = ["description", "author", "license", "repository"] as const;

/** `manifests` are those of an archive that was admitted: `identify` has held their names and versions to what was asked for. */
export function archiveFacts(manifests: readonly Manifest[], { jsonDepth }: { readonly jsonDepth: number }): ArchiveFacts {
  const agent = manifests.find(({ path }) => path === "package.agent.json");
  const client = manifests.find(({ path }) => path === "aam.yaml");
  const asYaml = client && parsed(() => parseYamlObject(client.body, { maxDepth: jsonDepth, source: client.path, version: "1.1" }));
  const asJson = agent && parsed(() => parseJsonObject(agent.body, { maxDepth: jsonDepth, source: agent.path }));
  return { shown: shownOf(asJson ?? asYaml ?? {}), client: client ? forClient(client, asYaml) : { problem: NO_MANIFEST } };
}

const NO_MANIFEST = "it has no aam.yaml, which is all that the aam client reads";

/** What the client's YAML parser ends with an error at, anywhere in a file. */
const UNREADABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function forClient({ body }: Manifest, asYaml: JsonObject | undefined): ArchiveFacts["client"] {
  if (!isUtf8(body) || UNREADABLE.test(body.toString("utf8")))
    return { problem: "its aam.yaml has a character that the aam client cannot read" };
  return asYaml ? readClientManifest(asYaml) : { problem: "its aam.yaml cannot be read" };
}

/** Undefined for what the stricter of two readers does not take: an archive is admitted by what its ecosystem says, which is the specification. */
function parsed(parse: () => JsonObject): JsonObject | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof AssayError) return undefined;
    throw error;
  }
}

function shownOf(manifest: JsonObject): JsonObject {
  const { keywords, dependencies } = manifest;
  return {
    ...Object.fromEntries(TEXTS.flatMap((field) => (typeof manifest[field] === "string" ? [[field, manifest[field]]] : []))),
    ...(Array.isArray(keywords) ? { keywords: keywords.filter(isText) } : {}),
    dependencies: isJsonObject(dependencies) ? Object.fromEntries(Object.entries(dependencies).filter(([, range]) => isText(range))) : {},
  };
}

function isText(value: JsonValue): boolean {
  return typeof value === "string";
}
