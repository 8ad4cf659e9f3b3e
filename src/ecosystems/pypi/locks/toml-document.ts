import { parse, TomlError } from "smol-toml";
import type { JsonObject } from "../../../core/json.ts";
import { JsonFields, JsonShapeError } from "../../../core/json-fields.ts";
import type { Limits } from "../../../core/limits.ts";
import { printable } from "../../../core/printable.ts";

/** Parses a lock in TOML, whose own grammar refuses duplicate keys. Throws JsonShapeError for anything else, and past the limits. */
export function readToml(body: Buffer, what: string, { sidecarBytes, jsonDepth }: Pick<Limits, "sidecarBytes" | "jsonDepth">): JsonFields {
  if (body.length > sidecarBytes) throw new JsonShapeError(`${what} has more than ${sidecarBytes} bytes`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    // Dates are objects without members of their own, and no reader asks for one.
    return new JsonFields(parse(text, { maxDepth: jsonDepth, unsafeKeyBehaviour: "throw" }) as unknown as JsonObject, what);
  } catch (error) {
    if (error instanceof TomlError) {
      const [message = ""] = error.message.split("\n", 1);
      throw new JsonShapeError(`${what}:${error.line}:${error.column}: ${printable(message)}`);
    }
    if (error instanceof TypeError) throw new JsonShapeError(`${what} is not UTF-8`);
    throw error;
  }
}
