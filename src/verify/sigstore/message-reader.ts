import { isJsonObject, type JsonValue } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { decodeBase64 } from "./base64.ts";
import { malformed } from "./bundle-finding.ts";

/**
 * Reads one protobuf message in its JSON form, strictly: only the listed fields, each of the right type, base64 in its one canonical spelling.
 * As protobuf has it, `null` is the same as absent. Throws BUNDLE_MALFORMED.
 * https://protobuf.dev/programming-guides/json/
 */
export class MessageReader {
  readonly #path: string;
  readonly #values: ReadonlyMap<string, JsonValue>;

  constructor(value: JsonValue, path: string, fields: readonly string[]) {
    if (!isJsonObject(value)) throw malformed(`${path} is not an object`);
    const foreign = Object.keys(value).find((name) => !fields.includes(name));
    if (foreign !== undefined) throw malformed(`${path} has an unknown field ${quote(foreign)}`);
    this.#path = path;
    this.#values = new Map(Object.entries(value).filter(([, member]) => member !== null));
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string {
    const value = this.#values.get(name);
    if (typeof value !== "string") throw malformed(`${this.#where(name)} is not a string`);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  /** At least one byte: in protobuf, none at all is the same as absent. */
  bytes(name: string): Buffer {
    return bytesOf(this.text(name), this.#where(name));
  }

  /** A whole number from 0 on, written as a number or, as protobuf does with 64 bits, as decimal text. */
  count(name: string): number {
    const value = this.#values.get(name);
    // 15 digits keep below 2^53, so nothing is rounded.
    const number = typeof value === "string" && /^(?:0|[1-9][0-9]{0,14})$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 0)
      throw malformed(`${this.#where(name)} is not a whole number from 0 on`);
    return number;
  }

  message(name: string, fields: readonly string[]): MessageReader {
    const value = this.#values.get(name);
    if (value === undefined) throw malformed(`${this.#where(name)} is missing`);
    return new MessageReader(value, this.#where(name), fields);
  }

  optionalMessage(name: string, fields: readonly string[]): MessageReader | undefined {
    return this.has(name) ? this.message(name, fields) : undefined;
  }

  /** At most `limit` messages; none where the field is absent. */
  messages(name: string, fields: readonly string[], limit: number): readonly MessageReader[] {
    return this.#list(name, limit).map((item, index) => new MessageReader(item, `${this.#where(name)}[${index}]`, fields));
  }

  bytesList(name: string, limit: number): readonly Buffer[] {
    return this.#list(name, limit).map((item, index) => {
      if (typeof item !== "string") throw malformed(`${this.#where(name)}[${index}] is not a string`);
      return bytesOf(item, `${this.#where(name)}[${index}]`);
    });
  }

  #list(name: string, limit: number): readonly JsonValue[] {
    const value = this.#values.get(name) ?? [];
    if (!Array.isArray(value)) throw malformed(`${this.#where(name)} is not a list`);
    if (value.length > limit) throw malformed(`${this.#where(name)} has ${value.length} items, more than ${limit}`);
    return value;
  }

  #where(name: string): string {
    return `${this.#path}.${name}`;
  }
}

function bytesOf(text: string, where: string): Buffer {
  const bytes = decodeBase64(text);
  if (bytes === undefined || bytes.length === 0) throw malformed(`${where} is not canonical base64`);
  return bytes;
}
