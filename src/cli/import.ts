import { cp, mkdtemp, rm } from "node:fs/promises";
import type { Config } from "../app/config.ts";
import { createLog } from "../app/log.ts";
import { adoptUpstreams } from "../app/remembered-upstreams.ts";
import { parseKeyId } from "../core/key-id.ts";
import { BundleReader } from "../mirror/bundle/bundle-reader.ts";
import { BundleUpstream } from "../mirror/bundle/bundle-upstream.ts";
import type { ImportedRow } from "../mirror/bundle/importer.ts";
import { requireSigner } from "../mirror/bundle/require-signer.ts";
import { parseVsaKeys } from "../verify/vsa/vsa-key.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";
import { type ImportReport, importJson, importRowText, importStartText, importSummaryText } from "./import-report.ts";
import { readBounded } from "./read-bounded.ts";
import { withAssay } from "./with-assay.ts";

export interface ImportFlags {
  readonly key?: readonly string[];
  readonly trustOnImport?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export interface ImportCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** Bytes of a file of public keys. */
const MAX_KEYS_BYTES = 64 * 1024;

/**
 * `assay import`: what a bundle holds, by the road, with the bundle in the place of the network. Archives that are here already are told apart, so one that was ended is run again.
 * Answers 0; 65 where something in the bundle is damaged, missing or of nobody's repository here; else 2 where something was refused. Throws BAD_REQUEST for what is no bundle, is of a
 * later format, or is signed by a key that nobody named; NOT_FOUND, STORE_FULL, STORE_IO.
 */
export async function importBundle(command: ImportCommand, paths: readonly string[], flags: ImportFlags): Promise<number> {
  const { config } = command;
  const bundle = await BundleReader.open(paths);
  try {
    if (!flags.trustOnImport) requireSigner(bundle, await acceptedKeys([...(flags.key ?? []), ...config.import.keys]));
    if (!flags.dryRun) return await importInto(config, bundle, command, flags);
    return await inTrialFolder(config, (trial) => importInto(trial, bundle, command, flags));
  } finally {
    await bundle.close();
  }
}

async function importInto(config: Config, bundle: BundleReader, { env, print }: ImportCommand, flags: ImportFlags): Promise<number> {
  const adopted = await adoptUpstreams(config, upstreamsOf(bundle), createLog("error"));
  // Every page is taken from the bundle, however fresh the one that is held.
  const importing = { ...config, offline: true, metadataTtlMs: 0 };
  return withAssay(
    importing,
    env,
    async ({ importer, trust }) => {
      const rows: ImportedRow[] = [];
      const about = {
        bundle,
        adopted,
        roots: trust.status(),
        trustedOnImport: flags.trustOnImport === true,
        dryRun: flags.dryRun === true,
      };
      if (!flags.json) print(importStartText(about));
      for await (const row of importer.import(bundle)) {
        rows.push(row);
        if (!flags.json) print(importRowText(row));
      }
      await bundle.checkRest();
      const report: ImportReport = { ...about, rows, damage: bundle.damage };
      print(flags.json ? importJson(report) : importSummaryText(report));
      return exitOf(report);
    },
    new BundleUpstream(bundle),
  );
}

function exitOf({ rows, damage }: ImportReport): number {
  if (damage.length > 0 || rows.some(({ kind }) => kind === "failed")) return exitCode("BAD_REQUEST");
  return rows.some(({ kind }) => kind === "refused") ? EXIT_REFUSED : EXIT_DONE;
}

/** Ids as they are, and of files the ids of all keys in them. Throws NOT_FOUND, CONFIG_INVALID. */
async function acceptedKeys(named: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const each of named) {
    const id = parseKeyId(each);
    const keys = id === undefined ? parseVsaKeys(each, (await readBounded(each, MAX_KEYS_BYTES)).toString("utf8")) : [];
    for (const accepted of id === undefined ? keys.map(({ keyId }) => keyId) : [id]) ids.add(accepted);
  }
  return ids;
}

/** The first of each repository: a data folder remembers one. */
function upstreamsOf({ manifest }: BundleReader): Readonly<Record<string, string>> {
  return Object.fromEntries(manifest.artifacts.toReversed().map(({ repository, upstream }) => [repository, upstream]));
}

/** A data folder of its own beside the real one, with the same roots and upstreams, and nothing in it that history could be told from. It is removed again. */
async function inTrialFolder(config: Config, work: (trial: Config) => Promise<number>): Promise<number> {
  const folder = await mkdtemp(`${config.dataDir}.trial-`);
  try {
    for (const kept of ["trust", "upstreams.json"]) {
      await cp(`${config.dataDir}/${kept}`, `${folder}/${kept}`, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
    return await work({ ...config, dataDir: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
