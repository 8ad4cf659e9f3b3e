import { isJsonObject, type JsonValue } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import { decodeBase64 } from "./base64.ts";
import { logEntryInvalid } from "./bundle-finding.ts";

/** A member of a log entry's body, read by its exact fields: the log's own entry types have no others. Throws LOG_ENTRY_INVALID. */
export class RecordMember {
  readonly #value: JsonValue | undefined;
  readonly #path: string;

  constructor(value: JsonValue | undefined, path: string, fields: readonly string[]) {
    const foreign = isJsonObject(value) ? Object.keys(value).find((name) => !fields.includes(name)) : undefined;
    if (foreign !== undefined) throw logEntryInvalid(`${path} has an unknown field ${quote(foreign)}`);
    this.#value = value;
    this.#path = path;
  }

  has(name: string): boolean {
    return isJsonObject(this.#value) && Object.hasOwn(this.#value, name) && this.#value[name] !== null;
  }

  member(name: string, fields: readonly string[]): RecordMember {
    return new RecordMember(this.#get(name), `${this.#path}.${name}`, fields);
  }

  onlyItem(name: string, fields: readonly string[]): RecordMember {
    const list = this.#get(name);
    if (!Array.isArray(list) || list.length !== 1) throw logEntryInvalid(`${this.#path}.${name} is not a list of one`);
    return new RecordMember(list[0], `${this.#path}.${name}`, fields);
  }

  text(name: string): string {
    const value = this.#get(name);
    if (typeof value !== "string") throw logEntryInvalid(`${this.#path}.${name} is not a string`);
    return value;
  }

  base64(name: string): Buffer {
    const bytes = decodeBase64(this.text(name));
    if (bytes === undefined || bytes.length === 0) throw logEntryInvalid(`${this.#path}.${name} is not canonical base64`);
    return bytes;
  }

  #get(name: string): JsonValue | undefined {
    return this.has(name) && isJsonObject(this.#value) ? this.#value[name] : undefined;
  }
}
