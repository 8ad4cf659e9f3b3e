import { expect } from "vitest";
import { AssayError } from "../../../src/core/errors.ts";

/** What answers a path below the mount with JSON; throws NOT_FOUND. */
interface Asked {
  json(path: string): Promise<Record<string, unknown>>;
}

/** One package as both dialects are to tell of it. */
interface Told {
  readonly name: string;
  readonly versions: Readonly<
    Record<string, { readonly sha256: string | undefined; readonly size: unknown; readonly yanked: boolean; readonly deprecated: unknown }>
  >;
  readonly tags: Readonly<Record<string, string>>;
}

/** Answers undefined where the package is not found. */
async function jsonOrNone(bench: Asked, path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return await bench.json(path);
  } catch (error) {
    if (error instanceof AssayError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** Everything that the UAAPS dialect says of a package, each endpoint held to the others; undefined where it is not found. */
export async function toldInUaaps(bench: Asked, name: string): Promise<Told | undefined> {
  const page = await jsonOrNone(bench, `packages/${name}`);
  if (!page) return undefined;
  const listed = Object.keys(page["versions"] as object);
  const documents = await Promise.all(listed.map((version) => bench.json(`packages/${name}/${version}`)));
  const tags = (await bench.json(`packages/${name}/dist-tags`))["dist-tags"] as Record<string, string>;
  expect(page["dist-tags"]).toEqual(tags);
  for (const [index, document] of documents.entries())
    expect((page["versions"] as Record<string, unknown>)[listed[index] ?? ""]).toEqual(document);
  const versions = documents.map(({ version, integrity: said, size, yanked, deprecated }) => [
    version,
    {
      sha256: said === undefined ? undefined : Buffer.from(String(said).slice(7), "base64").toString("hex"),
      size: size ?? null,
      yanked,
      deprecated,
    },
  ]);
  return { name: String(page["name"]), versions: Object.fromEntries(versions), tags };
}

/** The same of the AAM dialect. */
export async function toldInApiV1(bench: Asked, name: string): Promise<Told | undefined> {
  const page = await jsonOrNone(bench, `api/v1/packages/${name}`);
  if (!page) return undefined;
  const list = page["versions"] as readonly { readonly version: string; readonly yanked: boolean }[];
  expect(await bench.json(`api/v1/packages/${name}/versions`)).toEqual({ name, versions: list });
  const documents = await Promise.all(list.map(({ version }) => bench.json(`api/v1/packages/${name}/${version}`)));
  const { tags } = (await bench.json(`api/v1/packages/${name}/tags`)) as { tags: Record<string, string> };
  for (const { version, dist_tags } of documents) {
    expect(dist_tags).toEqual(Object.keys(tags).filter((tag) => tags[tag] === version));
  }
  const versions = documents.map(({ version, checksum, archive_size, yanked, deprecated }, index) => {
    expect(yanked).toBe(list[index]?.yanked);
    return [version, { sha256: (checksum as { sha256?: string }).sha256, size: archive_size, yanked, deprecated }];
  });
  return { name: String(page["name"]), versions: Object.fromEntries(versions), tags };
}
