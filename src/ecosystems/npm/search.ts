import { isJsonObject, type JsonValue } from "../../core/json.ts";
import type { EcosystemAnswer, EcosystemRequest, EcosystemServices, Repository } from "../../core/ports/ecosystem.ts";
import { FULL_TYPE } from "./abbreviate.ts";
import { isPackageName } from "./names.ts";
import { mayHear, passOn } from "./pass-on.ts";

/** What npm's clients send with a search; nothing else is passed on. */
const SEARCH_PARAMETERS = ["text", "size", "from", "quality", "popularity", "maintenance"] as const;
const MAX_PARAMETER_CHARACTERS = 512;

/**
 * Not kept: searches are as many as people can think of. An upstream that must not hear of a name in the text is not asked, and packages that are not its own to
 * list are left out of what it found. Throws NOT_FOUND where no upstream has a search.
 */
export async function search(repository: Repository, request: EcosystemRequest, services: EcosystemServices): Promise<EcosystemAnswer> {
  const parameters = new URLSearchParams();
  for (const key of SEARCH_PARAMETERS) {
    const value = request.query.get(key);
    if (value !== null) parameters.set(key, value.slice(0, MAX_PARAMETER_CHARACTERS));
  }
  const named = (parameters.get("text") ?? "").split(/\s/).filter(isPackageName);
  const { upstream, body, value } = await passOn(repository, `-/v1/search?${parameters}`, services, (asked) =>
    named.every(mayHear(services, repository, asked)) ? {} : undefined,
  );
  return { kind: "plain", status: 200, contentType: FULL_TYPE, body: withOwn(body, value, mayHear(services, repository, upstream)) };
}

/** `{objects: [{package: {name, …}}, …]}`. Byte for byte where there is nothing to leave out. */
function withOwn(body: Buffer, found: JsonValue, isOwn: (name: string) => boolean): Buffer {
  const objects = isJsonObject(found) ? found["objects"] : undefined;
  if (!isJsonObject(found) || !Array.isArray(objects)) return body;
  const own = objects.filter((entry: JsonValue) => {
    const described = isJsonObject(entry) ? entry["package"] : undefined;
    const name = isJsonObject(described) ? described["name"] : undefined;
    return typeof name !== "string" || isOwn(name);
  });
  return own.length === objects.length ? body : Buffer.from(JSON.stringify({ ...found, objects: own }));
}
