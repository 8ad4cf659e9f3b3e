import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/** A required field is missing, or a field has another type. The message names it by its path. Whoever reads the document makes a finding of it. */
export class JsonShapeError extends Error {}

/**
 * Reads the fields of an object from outside, each of the type that is asked for; throws JsonShapeError otherwise. `path` names the object in messages.
 * Fields that nobody asks for are ignored.
 */
export class JsonFields {
  readonly #value: JsonObject;
  readonly #path: string;

  constructor(value: JsonValue | undefined, path: string) {
    if (!isJsonObject(value)) throw new JsonShapeError(`${path} is ${value === undefined ? "missing" : "not an object"}`);
    this.#value = value;
    this.#path = path;
  }

  /** As it is, of whatever type; undefined where it is missing. */
  value(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#value, name) ? this.#value[name] : undefined;
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== "string" || value === "") throw this.#wrong(name, "a text");
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#isAbsent(name) ? undefined : this.text(name);
  }

  optionalBoolean(name: string): boolean | undefined {
    if (this.#isAbsent(name)) return undefined;
    const value = this.value(name);
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
    return value;
  }

  /** A whole number from 0 on in decimal. JSON of protocol buffers writes 64 bits as text, some writers as a number. */
  count(name: string): string {
    const value = this.value(name);
    const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof text !== "string" || !/^(?:0|[1-9][0-9]{0,18})$/.test(text)) throw this.#wrong(name, "a whole number");
    return text;
  }

  object(name: string): JsonFields {
    return new JsonFields(this.value(name), `${this.#path}.${name}`);
  }

  optionalObject(name: string): JsonFields | undefined {
    return this.#isAbsent(name) ? undefined : this.object(name);
  }

  list(name: string): readonly JsonFields[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw this.#wrong(name, "a list");
    return value.map((item: JsonValue, index) => new JsonFields(item, `${this.#path}.${name}[${index}]`));
  }

  optionalList(name: string): readonly JsonFields[] {
    return this.#isAbsent(name) ? [] : this.list(name);
  }

  texts(name: string): readonly string[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw this.#wrong(name, "a list");
    return value.map((item: JsonValue) => {
      if (typeof item !== "string") throw this.#wrong(name, "a list of texts");
      return item;
    });
  }

  /** An object of texts: at least one, none empty. */
  textMap(name: string): Readonly<Record<string, string>> {
    const texts = this.optionalTextMap(name);
    if (Object.keys(texts).length === 0) throw this.#wrong(name, "an object of texts");
    return texts;
  }

  optionalTextMap(name: string): Readonly<Record<string, string>> {
    if (this.#isAbsent(name)) return {};
    const value = this.value(name);
    if (!isJsonObject(value)) throw this.#wrong(name, "an object of texts");
    const entries = Object.entries(value).map(([key, text]) => {
      if (typeof text !== "string" || text === "") throw this.#wrong(name, "an object of texts");
      return [key, text] as const;
    });
    return Object.fromEntries(entries);
  }

  /** Some writers give `null` to an optional field that they leave out. */
  #isAbsent(name: string): boolean {
    return (this.value(name) ?? null) === null;
  }

  #wrong(name: string, expected: string): JsonShapeError {
    const problem = this.#isAbsent(name) ? "is missing" : `is not ${expected}`;
    return new JsonShapeError(`${this.#path}.${name} ${problem}`);
  }
}
