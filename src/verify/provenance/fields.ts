import { isJsonObject, type JsonObject, type JsonValue } from "../../core/json.ts";

/** A required field is missing or has another type. Whoever reads the predicate makes a finding of it. */
export class MalformedPredicate extends Error {}

/** Fields are named by their path in the predicate, for messages. Fields that nobody asks for are ignored, as every predicate's specification wants. */
export class Fields {
  readonly #value: JsonObject;
  readonly #path: string;

  constructor(value: JsonValue | undefined, path: string) {
    if (!isJsonObject(value)) throw new MalformedPredicate(`${path} is ${value === undefined ? "missing" : "not an object"}`);
    this.#value = value;
    this.#path = path;
  }

  text(name: string): string {
    const value = this.#member(name);
    if (typeof value !== "string" || value === "") throw this.#wrong(name, "a text");
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#isAbsent(name) ? undefined : this.text(name);
  }

  optionalBoolean(name: string): boolean | undefined {
    if (this.#isAbsent(name)) return undefined;
    const value = this.#member(name);
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
    return value;
  }

  object(name: string): Fields {
    return new Fields(this.#member(name), `${this.#path}.${name}`);
  }

  optionalObject(name: string): Fields | undefined {
    return this.#isAbsent(name) ? undefined : this.object(name);
  }

  list(name: string): readonly Fields[] {
    const value = this.#member(name);
    if (!Array.isArray(value)) throw this.#wrong(name, "a list");
    return value.map((item: JsonValue, index) => new Fields(item, `${this.#path}.${name}[${index}]`));
  }

  optionalList(name: string): readonly Fields[] {
    return this.#isAbsent(name) ? [] : this.list(name);
  }

  texts(name: string): readonly string[] {
    const value = this.#member(name);
    if (!Array.isArray(value)) throw this.#wrong(name, "a list");
    return value.map((item: JsonValue) => {
      if (typeof item !== "string") throw this.#wrong(name, "a list of texts");
      return item;
    });
  }

  /** Digests by algorithm: at least one, all of them texts. */
  digest(name: string): Readonly<Record<string, string>> {
    const digests = this.optionalDigest(name);
    if (Object.keys(digests).length === 0) throw this.#wrong(name, "an object of digests");
    return digests;
  }

  optionalDigest(name: string): Readonly<Record<string, string>> {
    if (this.#isAbsent(name)) return {};
    const value = this.#member(name);
    if (!isJsonObject(value)) throw this.#wrong(name, "an object of digests");
    const entries = Object.entries(value).map(([algorithm, hex]) => {
      if (typeof hex !== "string" || hex === "") throw this.#wrong(name, "an object of digests");
      return [algorithm, hex] as const;
    });
    return Object.fromEntries(entries);
  }

  #member(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#value, name) ? this.#value[name] : undefined;
  }

  /** Some writers give `null` to an optional field that they leave out. */
  #isAbsent(name: string): boolean {
    return (this.#member(name) ?? null) === null;
  }

  #wrong(name: string, expected: string): MalformedPredicate {
    const problem = this.#isAbsent(name) ? "is missing" : `is not ${expected}`;
    return new MalformedPredicate(`${this.#path}.${name} ${problem}`);
  }
}
