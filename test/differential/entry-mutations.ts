import type { Loose } from "../support/sigstore-instance.ts";
import { base64, parsed, placesNamed } from "./bundle-parts.ts";
import { type Place, placesIn, replacePlace } from "./json-places.ts";
import { type Mutation, pickOf, type Way } from "./mutation.ts";

// What can be done to an entry of a transparency log: its checkpoint, its proofs, what the log recorded.

/** The entries, wherever the document keeps them. */
const entriesOf = (tree: Loose): readonly Loose[] =>
  placesNamed(tree, "tlogEntries", "transparency_entries").flatMap(({ value }) => (Array.isArray(value) ? value : []));

const changeCheckpoint: Mutation = (tree, { random, donor }) => {
  const place = pickOf(
    random,
    placesNamed(tree, "envelope").filter(({ value }) => typeof value === "string"),
  );
  if (!place) return undefined;
  const text: string = place.value;
  const [note = "", signatures = ""] = text.split("\n\n");
  const [origin = "", size = "", root = "", ...rest] = note.split("\n");
  const [signature = ""] = signatures.split("\n");
  const strange: string =
    pickOf(
      random,
      placesNamed(donor, "envelope").filter(({ value }) => typeof value === "string"),
    )?.value ?? text;
  const strangeSignature = strange.split("\n\n")[1] ?? "";
  const noteOf = (...lines: readonly string[]): string => lines.join("\n");
  const [how, changed] = random.pick<Way<string>>([
    ["another origin", `${noteOf(`${origin}x`, size, root, ...rest)}\n\n${signatures}`],
    ["another size", `${noteOf(origin, String(Number(size) + 1), root, ...rest)}\n\n${signatures}`],
    ["a size with a zero before", `${noteOf(origin, `0${size}`, root, ...rest)}\n\n${signatures}`],
    ["an unpadded root", `${noteOf(origin, size, root.replace(/=+$/, ""), ...rest)}\n\n${signatures}`],
    ["one more line", `${noteOf(origin, size, root, ...rest, "more")}\n\n${signatures}`],
    ["no final line break", text.replace(/\n$/, "")],
    ["two final line breaks", `${text}\n`],
    ["line breaks of Windows", text.replaceAll("\n", "\r\n")],
    ["its signature twice", `${note}\n\n${signatures}${signatures}`],
    ["a stranger's signature after", `${note}\n\n${signatures}${strangeSignature}`],
    ["a stranger's signature before", `${note}\n\n${strangeSignature}${signatures}`],
    ["a stranger's signature alone", `${note}\n\n${strangeSignature}`],
    ["a stranger's note", `${strange.split("\n\n")[0]}\n\n${signatures}`],
    ["a stranger's checkpoint", strange],
    ["no signature", `${note}\n\n`],
    ["another signer's name", `${note}\n\n${signatures.replace(/^\u2014 \S+/, "\u2014 other.example")}`],
    ["a signer's name that is a pattern", `${note}\n\n${signatures.replace(/^\u2014 \S+/, "\u2014 (.*)*!")}`],
    ["a hyphen for the dash", `${note}\n\n${signatures.replace("\u2014", "-")}`],
    ["a signature with a space after", `${note}\n\n${signature} \n`],
    ["a second note", `${text}\n${text}`],
  ]);
  if (changed === text) return undefined;
  place.parent[place.key] = changed;
  return `checkpoint with ${how}`;
};

const changeEntry: Mutation = (tree, { random, donor }) => {
  const entry = pickOf(random, entriesOf(tree));
  if (!entry) return undefined;
  const strange = pickOf(random, entriesOf(donor)) ?? entry;
  const [how, change] = random.pick<Way<() => void>>([
    ["no promise", () => delete entry.inclusionPromise],
    ["no proof", () => delete entry.inclusionProof],
    ["neither promise nor proof", () => [delete entry.inclusionPromise, delete entry.inclusionProof]],
    ["no promise and another time", () => [delete entry.inclusionPromise, Object.assign(entry, { integratedTime: "1700000000" })]],
    ["no promise and no time", () => [delete entry.inclusionPromise, delete entry.integratedTime]],
    [
      "a stranger's promise and time",
      () => Object.assign(entry, { inclusionPromise: strange.inclusionPromise, integratedTime: strange.integratedTime }),
    ],
    ["a stranger's proof", () => Object.assign(entry, { inclusionProof: strange.inclusionProof })],
    ["a stranger's body", () => Object.assign(entry, { canonicalizedBody: strange.canonicalizedBody })],
    [
      "a stranger's body and proof",
      () => Object.assign(entry, { canonicalizedBody: strange.canonicalizedBody, inclusionProof: strange.inclusionProof }),
    ],
    ["a stranger's log", () => Object.assign(entry, { logId: strange.logId })],
    [
      "another kind",
      () => Object.assign(entry, { kindVersion: { kind: random.pick(["dsse", "hashedrekord", "intoto", "helm"]), version: "0.0.1" } }),
    ],
    [
      "another version",
      () => Object.assign(entry, { kindVersion: { ...entry.kindVersion, version: random.pick(["0.0.1", "0.0.2", "0.0.3", ""]) } }),
    ],
    ["no checkpoint", () => delete entry.inclusionProof?.checkpoint],
    ["no hashes", () => Object.assign(entry.inclusionProof ?? {}, { hashes: [] })],
    ["no root", () => delete entry.inclusionProof?.rootHash],
    ["another root", () => Object.assign(entry.inclusionProof ?? {}, { rootHash: base64(Buffer.alloc(32)) })],
  ]);
  const before = JSON.stringify(entry);
  change();
  return JSON.stringify(entry) === before ? undefined : `entry with ${how}`;
};

/** The log's record, changed inside and written anew. */
const changeBody: Mutation = (tree, { random, donor }) => {
  const entry = pickOf(random, entriesOf(tree));
  const body = parsed(entry?.canonicalizedBody);
  const place = pickOf(random, placesIn(body));
  if (!place) return undefined;
  const strange = placesIn(parsed(pickOf(random, entriesOf(donor))?.canonicalizedBody)).find(({ path }) => path === place.path);
  const plain = JSON.stringify(body);
  const [how, text] = random.pick<Way<() => string>>([
    [`a stranger's ${place.path}`, () => withPlace(body, place, strange?.value ?? "x")],
    ["white space", () => JSON.stringify(body, null, 1)],
    ["other key order", () => JSON.stringify(Object.fromEntries(Object.entries(body).reverse()))],
    ["a member more", () => JSON.stringify({ ...body, extra: 1 })],
    ["a member twice", () => plain.replace("{", `{"kind":"x",`)],
    ["a final line break", () => `${plain}\n`],
  ]);
  const changed = base64(text());
  if (changed === entry.canonicalizedBody) return undefined;
  entry.canonicalizedBody = changed;
  return `log record with ${how}`;
};

function withPlace(body: Loose, place: Place, value: Loose): string {
  replacePlace(place, value);
  return JSON.stringify(body);
}

export const ENTRY_MUTATIONS: readonly Mutation[] = [changeCheckpoint, changeCheckpoint, changeEntry, changeEntry, changeBody];
