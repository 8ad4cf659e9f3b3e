import type { Config } from "../app/config.ts";
import type { PublishedKey } from "../core/ports/signing-keys.ts";
import { FileKeys } from "../store/keys/file-keys.ts";
import { EXIT_DONE } from "./exit.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";

export interface KeysCommand {
  readonly config: Pick<Config, "dataDir">;
  readonly json: boolean;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** `assay keys show`: every public key of this data folder, made where there is none yet. Throws what `SigningKeys.published` throws. */
export async function showKeys({ config, json, print }: KeysCommand, pem: boolean): Promise<number> {
  const keys = await keysOf(config).published();
  if (json) print(toJson({ keys: keys.map(keyReport) }));
  else print(pem ? keys.map((key) => `# ${lineOf(key).join(", ")}\n${key.pem}`).join("") : `${table(keys.map(lineOf)).join("\n")}\n`);
  return EXIT_DONE;
}

/** `assay keys rotate`: a running mirror takes it up with the next summary. Throws what `SigningKeys.rotate` throws. */
export async function rotateKeys({ config, json, print }: KeysCommand): Promise<number> {
  const key = await keysOf(config).rotate();
  const told = `${key.id} signs from now on. Whoever relies on this mirror must name it in their policy before they see it:\n${key.pem}`;
  print(json ? toJson(keyReport(key)) : told);
  return EXIT_DONE;
}

function keysOf({ dataDir }: Pick<Config, "dataDir">): FileKeys {
  return new FileKeys({ dataDir, clock: { now: Date.now } });
}

function lineOf({ id, validFrom, validUntil }: PublishedKey): readonly string[] {
  const since = isoTime(validFrom);
  return validUntil === undefined ? [id, `signs since ${since}`] : [id, `signed from ${since} to ${isoTime(validUntil)}`];
}

function keyReport({ id, pem, validFrom, validUntil }: PublishedKey) {
  return { id, pem, validFrom: isoTime(validFrom), validUntil: validUntil === undefined ? null : isoTime(validUntil) };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
