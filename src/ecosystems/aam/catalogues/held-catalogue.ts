import { AssayError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { Repository } from "../../../core/ports/ecosystem.ts";
import { knownPackage } from "../known-package.ts";
import { parsePackageName } from "../names.ts";
import { latestVersion } from "../package.ts";
import type { AamServices } from "../services.ts";
import type { CatalogueEntry } from "../sources/folder-source.ts";
import type { Catalogue } from "./catalogue.ts";
import { wholeCatalogue } from "./folder-catalogue.ts";

/** What a list says of a package, where its metadata does. */
const LISTED = ["description", "author", "license", "keywords", "category", "artifactTypes", "updatedAt"];

/**
 * The packages of which something was admitted, by their own metadata as it is held: a registry's list is not kept, and where nobody can be asked it would name packages that
 * cannot be had. Each is read for each list: what is behind an air gap is a project's worth, and it is read from this machine.
 */
export function heldCatalogue(services: AamServices, repository: Repository, names: () => AsyncIterable<string>): Catalogue {
  return wholeCatalogue(services, repository, async () => {
    const entries: CatalogueEntry[] = [];
    for await (const text of names()) {
      const entry = await entryOf(services, repository, text);
      if (entry) entries.push(entry);
    }
    return { entries, freshness: undefined };
  });
}

async function entryOf(services: AamServices, repository: Repository, text: string): Promise<CatalogueEntry | undefined> {
  const name = parsePackageName(text);
  try {
    const known = name && (await knownPackage(services, repository, name));
    if (!known) return undefined;
    const latest = latestVersion(known.package);
    const said: JsonObject = { ...(latest ? known.package.versions.get(latest)?.fields : {}), ...known.package.fields };
    return { name, fields: Object.fromEntries(Object.entries(said).filter(([field]) => LISTED.includes(field))) };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    // Whoever asks for it by name is told what is wrong.
    services.log.warn({ repository: repository.name, package: text, code: error.code }, "a held package cannot be read");
    return undefined;
  }
}
