import { isJsonObject, type JsonObject, type JsonValue } from "../../../core/json.ts";
import { quote } from "../../../core/quote.ts";
import { parsePackageName } from "../names.ts";
import { isClientRange } from "./client-range.ts";

/** What the `aam` client 0.1.0 reads of an `aam.yaml`: it validates the whole file after it has unpacked an archive, and ends there where it finds fault. */
export interface ClientManifest {
  readonly description: string;
  readonly author: string | null;
  readonly license: string | null;
  readonly repository: string | null;
  readonly keywords: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  /** `skill`, `agent`, `prompt`, `instruction`: those that it has. */
  readonly artifactTypes: readonly string[];
}

/** One past any of these is for the client no package. */
const DESCRIPTION_CHARACTERS = 256;
const ARTIFACT_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const ARTIFACT_KINDS = [
  ["agents", "agent"],
  ["skills", "skill"],
  ["prompts", "prompt"],
  ["instructions", "instruction"],
] as const;

class Unreadable extends Error {}

/** The manifest, or in a sentence why the client would refuse it. */
export function readClientManifest(manifest: JsonObject): ClientManifest | { readonly problem: string } {
  try {
    return read(manifest);
  } catch (error) {
    if (error instanceof Unreadable) return { problem: error.message };
    throw error;
  }
}

function read(manifest: JsonObject): ClientManifest {
  requireText(manifest, "name");
  requireText(manifest, "version");
  const description = requireText(manifest, "description");
  if (description.trim() === "") throw new Unreadable("its description is empty");
  requireShort(description, "its description");
  checkSettings(manifest);
  return {
    description,
    author: optionalText(manifest, "author"),
    license: optionalText(manifest, "license"),
    repository: optionalText(manifest, "repository"),
    keywords: keywordsOf(manifest),
    dependencies: dependenciesOf(manifest),
    artifactTypes: artifactTypesOf(manifest),
  };
}

function artifactTypesOf({ artifacts }: JsonObject): readonly string[] {
  if (!isJsonObject(artifacts)) throw new Unreadable("it declares no artifacts");
  const types = ARTIFACT_KINDS.filter(([kind]) => {
    const declared = listOf(artifacts[kind], `artifacts.${kind}`);
    for (const artifact of declared) checkArtifact(artifact, kind);
    return declared.length > 0;
  }).map(([, type]) => type);
  if (types.length === 0) throw new Unreadable("it declares no artifacts of the kinds that the aam client knows");
  return types;
}

function checkArtifact(artifact: JsonValue, kind: string): void {
  if (!isJsonObject(artifact)) throw new Unreadable(`artifacts.${kind} has an entry that is no map`);
  const name = requireText(artifact, "name");
  if (!ARTIFACT_NAME.test(name)) throw new Unreadable(`artifacts.${kind} has the name ${quote(name)}, which the aam client does not take`);
  const path = requireText(artifact, "path");
  if (path.startsWith("/") || path.split("/").includes("..")) throw new Unreadable(`the path of ${quote(name)} leads out of the package`);
  requireShort(requireText(artifact, "description"), `the description of ${quote(name)}`);
}

function dependenciesOf({ dependencies }: JsonObject): Readonly<Record<string, string>> {
  if (dependencies === undefined) return {};
  if (!isJsonObject(dependencies)) throw new Unreadable("its dependencies are no map");
  const entries = Object.entries(dependencies).map(([name, range]) => {
    if (!parsePackageName(name)) throw new Unreadable(`it depends on ${quote(name)}, which is no name of a package`);
    if (typeof range === "string" && isClientRange(range)) return [name, range] as const;
    throw new Unreadable(`it depends on ${name} in the range ${quote(JSON.stringify(range))}, which the aam client cannot read`);
  });
  return Object.fromEntries(entries);
}

function keywordsOf({ keywords }: JsonObject): readonly string[] {
  return listOf(keywords, "keywords").map((keyword) => {
    if (typeof keyword !== "string") throw new Unreadable("it has a keyword that is no text");
    return keyword;
  });
}

/** What the client validates too, although nothing of it is shown. */
function checkSettings({ homepage, platforms, quality, provenance }: JsonObject): void {
  if (homepage != null && typeof homepage !== "string") throw new Unreadable("its homepage is no text");
  for (const [field, value] of [
    ["quality", quality],
    ["provenance", provenance],
  ] as const) {
    if (value != null && !isJsonObject(value)) throw new Unreadable(`its ${field} is no map`);
  }
  if (platforms === undefined) return;
  const isMapOfMaps = isJsonObject(platforms) && Object.values(platforms).every((platform) => isJsonObject(platform));
  if (!isMapOfMaps) throw new Unreadable("its platforms are no map of maps");
}

/** Left out is empty; a null in its place is an error to the client. */
function listOf(value: JsonValue | undefined, field: string): readonly JsonValue[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Unreadable(`its ${field} is no list`);
  return value;
}

function requireText(object: JsonObject, field: string): string {
  const value = object[field];
  if (typeof value !== "string") throw new Unreadable(`${field} is ${value == null ? "missing" : "no text"}`);
  return value;
}

function optionalText(object: JsonObject, field: string): string | null {
  return object[field] == null ? null : requireText(object, field);
}

/** The client counts characters as Python does, by code points. */
function requireShort(text: string, what: string): void {
  const { length } = [...text.slice(0, 4 * DESCRIPTION_CHARACTERS)];
  if (length > DESCRIPTION_CHARACTERS)
    throw new Unreadable(`${what} has more than the ${DESCRIPTION_CHARACTERS} characters that the aam client takes`);
}
