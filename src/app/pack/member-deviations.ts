import { quote } from "../../core/quote.ts";
import { encodeTarEntry, padding, type TarMember } from "../../ecosystems/aam/pack/tar-entry.ts";
import { parseEntryPath } from "../../verify/archive/entry-path.ts";
import { paxRecords } from "../../verify/archive/pax.ts";
import type { ScannedMember, TarExtension } from "../../verify/archive/scanned-member.ts";
import { mayRun, tarFields } from "../../verify/archive/tar-fields.ts";
import type { Deviation } from "./deviation.ts";

/** Records that stand in the place of a header's own fields, and so bring back what must not be there. */
const OVERRIDING: ReadonlySet<string> = new Set(["mtime", "atime", "ctime", "uid", "gid", "uname", "gname"]);
const PERMISSIONS = 0o777;
/** A pax header before a path or target that ustar cannot hold; without one a header is this long. */
const BLOCK_BYTES = 512;

/** How one member, of which the scan says that it is sound, is written otherwise than `assay pack` writes it. */
export function memberDeviations(member: ScannedMember, epochSeconds: number): readonly Deviation[] {
  const { name: path, type, header } = member;
  if (type === "5" || path.endsWith("/")) return [{ weight: "form", code: "folder", path, expected: "no entries for folders", got: "one" }];
  if (type === "1")
    return [{ weight: "form", code: "hard-link", path, expected: "a file with its content", got: `a hard link to ${member.linkname}` }];
  const canonical = canonicalMember(member);
  if (canonical.path !== path)
    return [{ weight: "form", code: "header-form", path: canonical.path, expected: "the path as it is", got: quote(path) }];
  const wanted = encodeTarEntry(canonical, epochSeconds);
  const found = [
    ...fieldDeviations(path, header, { epochSeconds, wanted: wanted.subarray(-BLOCK_BYTES) }),
    ...extensionDeviations(path, member.extensions, wanted.length > BLOCK_BYTES),
    ...(member.cleanPadding === false
      ? [{ weight: "form", code: "padding", path, expected: "zeros behind the content", got: "other bytes" } as const]
      : []),
  ];
  const written = Buffer.concat([...member.extensions.flatMap(blocksOf), header]);
  if (found.length > 0 || written.equals(wanted)) return found;
  return [
    {
      weight: "form",
      code: "header-form",
      path,
      expected: "the header that assay pack writes",
      got: "the same fields, written in another way",
    },
  ];
}

function canonicalMember({ name, type, linkname, sizeBytes, header }: ScannedMember): TarMember {
  const path = parseEntryPath(name).join("/");
  return type === "2" ? { kind: "link", path, target: linkname } : { kind: "file", path, executable: mayRun(header), sizeBytes };
}

function fieldDeviations(
  path: string,
  header: Buffer,
  { epochSeconds, wanted }: { epochSeconds: number; wanted: Buffer },
): readonly Deviation[] {
  const found: Deviation[] = [];
  const { mode, mtime, uid, gid, uname, gname } = tarFields(header);
  if (mtime !== epochSeconds) found.push({ weight: "must", code: "time", path, expected: String(epochSeconds), got: String(mtime) });
  if (uid !== 0 || gid !== 0) found.push({ weight: "must", code: "owner", path, expected: "0:0", got: `${uid}:${gid}` });
  if (uname !== "" || gname !== "") found.push({ weight: "must", code: "owner", path, expected: "no names", got: `${uname}:${gname}` });
  const right = tarFields(wanted).mode;
  // Permissions may be kept; what goes beyond them (setuid, setgid, sticky, the file's type) other systems do not know.
  const weight = (mode & ~PERMISSIONS) === 0 ? "form" : "must";
  if (mode !== right) found.push({ weight, code: "mode", path, expected: octal(right), got: octal(mode) });
  return found;
}

function octal(mode: number): string {
  return mode < 0 ? "none" : mode.toString(8).padStart(4, "0");
}

function extensionDeviations(path: string, extensions: readonly TarExtension[], needed: boolean): readonly Deviation[] {
  const records = extensions
    .filter(({ type }) => type === "x" || type === "g")
    .flatMap(({ body }) => [...paxRecords(body)].map(([key]) => key));
  const overriding = records.filter((key) => OVERRIDING.has(key));
  const common = { code: "extended-header", path, expected: needed ? "one, for what ustar cannot hold" : "none" } as const;
  if (overriding.length > 0) return [{ ...common, weight: "must", got: `records of ${overriding.join(", ")}` }];
  if (needed === extensions.length > 0) return [];
  const got = records.length > 0 ? `records of ${records.join(", ")}` : extensions.length > 0 ? "a GNU long name" : "none";
  return [{ ...common, weight: "form", got }];
}

function blocksOf({ header, body }: TarExtension): readonly Buffer[] {
  return [header, body, padding(body.length)];
}
