import { bytesAt, type Place, placesIn, removePlace } from "./json-places.ts";
import { type Mutation, type MutationContext, pickOf, type Way } from "./mutation.ts";

// What can be done to any JSON, whatever it means.

const flipBit: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesIn(tree).filter(bytesAt));
  const bytes = place && bytesAt(place);
  if (!bytes || bytes.length === 0) return undefined;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  place.parent[place.key] = bytes.toString("base64");
  return `flip a bit in ${place.path}`;
};

const resizeBytes: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesIn(tree).filter(bytesAt));
  const bytes = place && bytesAt(place);
  if (!bytes) return undefined;
  const extra = Buffer.from([random.below(256)]);
  const [how, resized] = random.pick<Way<Buffer>>([
    ["cut the end of", bytes.subarray(0, -1)],
    ["cut the start of", bytes.subarray(1)],
    ["halve", bytes.subarray(0, bytes.length >> 1)],
    ["empty", Buffer.alloc(0)],
    ["append to", Buffer.concat([bytes, extra])],
    ["prepend to", Buffer.concat([extra, bytes])],
    ["double", Buffer.concat([bytes, bytes])],
  ]);
  place.parent[place.key] = resized.toString("base64");
  return `${how} ${place.path}`;
};

/** The same bytes in another spelling, which lenient decoders take. */
const respellBase64: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesIn(tree).filter(bytesAt));
  if (!place) return undefined;
  const text: string = place.value;
  const middle = text.length >> 1;
  const [how, spelt] = random.pick<Way<string>>([
    ["URL alphabet", text.replaceAll("+", "-").replaceAll("/", "_")],
    ["no padding", text.replace(/=+$/, "")],
    ["more padding", `${text}=`],
    ["line break", `${text.slice(0, middle)}\n${text.slice(middle)}`],
    ["final line break", `${text}\n`],
    ["space", `${text.slice(0, middle)} ${text.slice(middle)}`],
    ["foreign characters", `${text}!!`],
    ["slack bits", text.replace(/.(=+)$/, (_, padding: string) => `${padding.length === 2 ? "B" : "F"}${padding}`)],
  ]);
  if (spelt === text) return undefined;
  place.parent[place.key] = spelt;
  return `respell ${place.path}: ${how}`;
};

const dropMember: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesIn(tree));
  if (!place) return undefined;
  removePlace(place);
  return `drop ${place.path}`;
};

const replaceValue: Mutation = (tree, { random }) => {
  const place = pickOf(random, placesIn(tree));
  if (!place) return undefined;
  const value = random.pick<unknown>([null, {}, [], "", 0, true, "AAAA", -1]);
  place.parent[place.key] = value;
  return `put ${JSON.stringify(value)} at ${place.path}`;
};

const renameMember: Mutation = (tree, { random }) => {
  const place = pickOf(
    random,
    placesIn(tree).filter(({ parent }) => !Array.isArray(parent)),
  );
  if (!place) return undefined;
  const { parent, key, path } = place;
  const name = random.pick([
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    key.charAt(0).toUpperCase() + key.slice(1),
    key.toUpperCase(),
    `${key} `,
    `${key}2`,
  ]);
  if (name === key) return undefined;
  delete parent[key];
  parent[name] = place.value;
  return `rename ${path} to ${name}`;
};

const addMember: Mutation = (tree, { random }) => {
  const objects = placesIn(tree).filter(({ value }) => value !== null && typeof value === "object" && !Array.isArray(value));
  const place = pickOf(random, objects);
  const [target, path] = place ? [place.value, place.path] : [tree, "the document"];
  const name = random.pick(["extra", "@type", "__proto__", "constructor", "toString", "keyid", "hint", "publicKey", "certificate"]);
  if (Object.hasOwn(target, name)) return undefined;
  // Assignment would set the prototype.
  Object.defineProperty(target, name, {
    value: random.pick<unknown>([1, null, "x", {}]),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return `add ${name} to ${path}`;
};

/** A part of another document in the place of its own. */
const transplant: Mutation = (tree, context) => {
  const places = placesIn(tree);
  const place = pickOf(context.random, places);
  const match = place && placesIn(context.donor).find(({ path }) => path === place.path);
  if (!match || JSON.stringify(match.value) === JSON.stringify(place.value)) return undefined;
  place.parent[place.key] = structuredClone(match.value);
  return `transplant ${place.path}`;
};

/** A value of one's own, or of the other document, that stands elsewhere under the same name. */
const moveByName: Mutation = (tree, { random, donor }) => {
  const place = pickOf(random, placesIn(tree));
  if (!place) return undefined;
  const sources = [...placesIn(tree), ...placesIn(donor)].filter(
    ({ key, value }) => key === place.key && JSON.stringify(value) !== JSON.stringify(place.value),
  );
  const source = pickOf(random, sources);
  if (!source) return undefined;
  place.parent[place.key] = structuredClone(source.value);
  return `move ${source.path} to ${place.path}`;
};

const NUMBER_NAMES: ReadonlySet<string> = new Set(["logIndex", "treeSize", "integratedTime", "version"]);

const changeNumber: Mutation = (tree, { random }) => {
  const place = pickOf(
    random,
    placesIn(tree).filter(({ key, value }) => NUMBER_NAMES.has(key) && /^[0-9]+$/.test(String(value))),
  );
  if (!place) return undefined;
  const { value } = place;
  const number = Number(value);
  const changed = random.pick<string | number>([
    String(number + 1),
    String(number - 1),
    number,
    String(number),
    String(-number),
    `0${number}`,
    `+${number}`,
    `${number}.0`,
    `${number}e0`,
    ` ${number}`,
    `0x${number.toString(16)}`,
    "0",
    "18446744073709551615",
    "9223372036854775808",
    String(BigInt(number) + 2n ** 64n),
    number + 0.5,
    number * 2,
  ]);
  if (changed === value) return undefined;
  place.parent[place.key] = changed;
  return `make ${place.path} ${JSON.stringify(changed)}`;
};

const changeList: Mutation = (tree, { random, donor }) => {
  const place = pickOf(
    random,
    placesIn(tree).filter(({ value }) => Array.isArray(value) && value.length > 0),
  );
  if (!place) return undefined;
  const list: unknown[] = place.value;
  const [how, changed] = random.pick<Way<readonly unknown[]>>([
    ["reverse", list.toReversed()],
    ["rotate", [...list.slice(1), list[0]]],
    ["duplicate the first of", [list[0], ...list]],
    ["duplicate the last of", [...list, list.at(-1)]],
    ["drop the first of", list.slice(1)],
    ["drop the last of", list.slice(0, -1)],
    ["append a stranger's to", [...list, ...itemsAt(place, donor)]],
    ["prepend a stranger's to", [...itemsAt(place, donor), ...list]],
    ["put null into", [...list, null]],
  ]);
  if (JSON.stringify(changed) === JSON.stringify(list)) return undefined;
  place.parent[place.key] = structuredClone(changed);
  return `${how} ${place.path}`;
};

function itemsAt({ path }: Place, donor: MutationContext["donor"]): readonly unknown[] {
  const match = placesIn(donor).find((each) => each.path === path)?.value;
  return Array.isArray(match) ? match.slice(0, 1) : [];
}

export const FIELD_MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  resizeBytes,
  respellBase64,
  respellBase64,
  dropMember,
  replaceValue,
  renameMember,
  addMember,
  transplant,
  transplant,
  moveByName,
  changeNumber,
  changeNumber,
  changeList,
];
