import type { ArtifactRef } from "../../core/artifact.ts";
import { AssayError } from "../../core/errors.ts";
import { isLiteral } from "../../core/glob.ts";
import type { PurlPattern } from "../../core/policy.ts";
import type { CacheRecords } from "../../core/ports/cache-records.ts";
import { quote } from "../../core/quote.ts";
import { canonicalName, matchPurl, parsePurlPattern } from "../../policy/purl-pattern.ts";

/** What must stay, from the configuration and from `assay pin`, as it is at this moment. */
export class Pinned {
  /** Patterns for one package, by ecosystem and name: a lock has thousands of them. */
  readonly #byName = new Map<string, PurlPattern[]>();
  readonly #others: PurlPattern[] = [];

  private constructor(patterns: readonly PurlPattern[]) {
    for (const pattern of patterns) this.#add(pattern);
  }

  /** Throws STORE_CORRUPT where a pin is no pattern: what it was to keep must not be let go meanwhile. */
  static async load(records: Pick<CacheRecords, "pins">, configured: readonly PurlPattern[]): Promise<Pinned> {
    const kept = (await records.pins()).map(({ pattern }) => {
      const parsed = parsePurlPattern(pattern);
      if (parsed.ok) return parsed.value;
      throw new AssayError("STORE_CORRUPT", `the index holds a pin that is no pattern: ${quote(pattern)}`, {
        help: "take it out with `assay pin --remove`, and pin again what it was for",
      });
    });
    return new Pinned([...configured, ...kept]);
  }

  matches(ref: ArtifactRef): boolean {
    const named = this.#byName.get(nameKey(ref.ecosystem, canonicalName(ref.ecosystem, ref.name))) ?? [];
    return [...named, ...this.#others].some((pattern) => matchPurl(pattern, ref));
  }

  #add(pattern: PurlPattern): void {
    const names = Object.entries(pattern.names);
    if (!names.every(([, glob]) => isLiteral(glob))) {
      this.#others.push(pattern);
      return;
    }
    for (const [ecosystem, glob] of names) {
      const key = nameKey(ecosystem, glob.text);
      this.#byName.set(key, [...(this.#byName.get(key) ?? []), pattern]);
    }
  }
}

function nameKey(ecosystem: string, name: string): string {
  return `${ecosystem}\0${name}`;
}
