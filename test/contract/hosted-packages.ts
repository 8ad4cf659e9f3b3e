import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AuditEntry, AuditEvent } from "../../src/core/audit.ts";
import { parseDigest } from "../../src/core/digest.ts";
import type { HostedPackages, Publication } from "../../src/core/ports/hosted-packages.ts";

const KEY = { repository: "skills", name: "@acme/tool", version: "1.0.0" };
const OTHER_BYTES = parseDigest("cd".repeat(32));
const ALL = { offset: 0, limit: 50 };

const PUBLICATION: Publication = {
  name: KEY.name,
  version: KEY.version,
  precedence: KEY.version,
  digest: parseDigest("ab".repeat(32)),
  sizeBytes: 10,
  publishedAt: 1_000,
  publishedBy: "alice",
  ofAnyOwner: false,
  status: "approved",
  fields: { description: "Reads papers", keywords: ["science"], category: "research" },
  signatures: { signatures: [], attestations: [] },
};

function entry(event: AuditEvent, at = 1_000): AuditEntry {
  return {
    version: 1,
    event,
    timestamp: new Date(at).toISOString(),
    actor: { identity: "alice", auth_method: "token" },
    target: { package: KEY.name, version: KEY.version },
    registry: "https://registry.example/skills",
  };
}

const PUBLISHED = entry("package.publish");

/** What every store of published packages must do. `open` opens the same store again each time. */
export function hostedPackagesContract(name: string, open: () => Promise<HostedPackages>): void {
  describe(`${name} keeps published packages`, () => {
    const events = async (store: HostedPackages): Promise<readonly string[]> =>
      (await store.audit("skills", ALL)).entries.map((logged) => logged.entry.event);

    test("nothing is there before it is published", async () => {
      const store = await open();
      expect(await store.package("skills", KEY.name)).toBeUndefined();
      expect(await store.signatures(KEY)).toBeUndefined();
      expect(await store.version("skills", 1)).toBeUndefined();
      expect(await store.search("skills", ALL)).toEqual({ names: [], total: 0 });
      expect(await store.audit("skills", ALL)).toEqual({ entries: [], total: 0 });
    });

    test.each<[string, Partial<Publication>, string]>([
      ["other bytes for a version", { digest: OTHER_BYTES }, "conflict"],
      ["other bytes by an admin", { digest: OTHER_BYTES, publishedBy: "root", ofAnyOwner: true }, "conflict"],
      ["a version that differs in build metadata only", { version: "1.0.0+2", digest: OTHER_BYTES }, "conflict"],
      ["the same bytes with other build metadata", { version: "1.0.0+2" }, "conflict"],
      ["somebody else's name", { version: "2.0.0", precedence: "2.0.0", publishedBy: "mallory" }, "owned"],
      ["the same bytes again", {}, "held"],
      ["the same bytes later, with other signatures", { publishedAt: 9_000, signatures: { signatures: [{ type: "gpg" }] } }, "held"],
    ])("%s changes nothing and logs nothing", async (_, change, kind) => {
      const store = await open();
      await store.publish("skills", PUBLICATION, PUBLISHED);
      const before = await store.package("skills", KEY.name);
      expect(await store.publish("skills", { ...PUBLICATION, ...change }, PUBLISHED)).toMatchObject({ kind });
      expect(await store.package("skills", KEY.name)).toEqual(before);
      expect(await store.signatures(KEY)).toEqual(PUBLICATION.signatures);
      expect(await events(store)).toEqual(["package.publish"]);
    });

    test("a name in another repository is another package", async () => {
      const store = await open();
      await store.publish("skills", PUBLICATION, PUBLISHED);
      expect(await store.package("other", KEY.name)).toBeUndefined();
      expect(await store.publish("other", { ...PUBLICATION, publishedBy: "bob" }, PUBLISHED)).toMatchObject({ kind: "published" });
      expect((await store.audit("other", ALL)).total).toBe(1);
    });

    test("what was published is there, whole, also for who opens the store anew", async () => {
      const store = await open();
      const outcome = await store.publish("skills", { ...PUBLICATION, tag: "stable" }, PUBLISHED);
      const { name: packageName, version, digest, sizeBytes, publishedAt, publishedBy, status, fields } = PUBLICATION;
      const expected = { name: packageName, version, digest, sizeBytes, publishedAt, publishedBy, status, tag: "stable", fields };
      expect(outcome).toEqual({ kind: "published", version: { id: expect.any(Number), ...expected } });
      const again = await open();
      expect(await again.package("skills", KEY.name)).toEqual({
        name: KEY.name,
        owner: "alice",
        versions: [{ id: expect.any(Number), ...expected }],
        tags: new Map([["stable", "1.0.0"]]),
      });
    });

    test("of many at once with other bytes, exactly one is published", async () => {
      const stores = await Promise.all(Array.from({ length: 4 }, open));
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, number) => {
          const digest = parseDigest(createHash("sha256").update(String(number)).digest("hex"));
          return (stores[number % 4] as HostedPackages).publish("skills", { ...PUBLICATION, digest }, PUBLISHED);
        }),
      );
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual([...Array.from({ length: 19 }, () => "conflict"), "published"]);
      expect(await events(await open())).toEqual(["package.publish"]);
    });

    test("a version that is not there cannot be changed, and nothing is logged", async () => {
      const store = await open();
      expect(await store.setTag(KEY, "stable", entry("tag.set"))).toBe(false);
      expect(await store.removeTag(KEY, "stable", entry("tag.remove"))).toBe(false);
      expect(await store.setYanked(KEY, 5, entry("version.yank"))).toBe(false);
      expect(await store.setDeprecated(KEY, { message: "old" }, entry("version.deprecate"))).toBe(false);
      expect(await store.decide(KEY, { approver: "bob", status: "approved", createdAt: 5 }, entry("version.approve"))).toBe(false);
      expect(await events(store)).toEqual([]);
    });

    test("each change is logged once; the same again is none", async () => {
      const store = await open();
      await store.publish("skills", PUBLICATION, PUBLISHED);
      const twice = async (change: () => Promise<boolean>): Promise<void> => {
        expect(await change()).toBe(true);
        expect(await change()).toBe(false);
      };
      await twice(() => store.setTag(KEY, "stable", entry("tag.set")));
      await twice(() => store.setYanked(KEY, 5, entry("version.yank")));
      expect((await store.package("skills", KEY.name))?.versions).toMatchObject([{ yankedAt: 5 }]);
      await twice(() => store.setYanked(KEY, undefined, entry("version.yank.undo")));
      await twice(() => store.setDeprecated(KEY, { message: "old", replacement: "new@^1.0.0" }, entry("version.deprecate")));
      expect((await store.package("skills", KEY.name))?.versions).toMatchObject([
        { deprecated: { message: "old", replacement: "new@^1.0.0" } },
      ]);
      await twice(() => store.setDeprecated(KEY, undefined, entry("version.deprecate.undo")));
      await twice(() => store.removeTag(KEY, "stable", entry("tag.remove")));
      const { entries } = await store.audit("skills", ALL);
      expect(entries.map(({ position }) => position)).toEqual([6, 5, 4, 3, 2, 1, 0]);
      expect(entries.map((logged) => logged.entry.event).toReversed()).toEqual([
        "package.publish",
        "tag.set",
        "version.yank",
        "version.yank.undo",
        "version.deprecate",
        "version.deprecate.undo",
        "tag.remove",
      ]);
    });

    test("a tag moves to another version", async () => {
      const store = await open();
      await store.publish("skills", { ...PUBLICATION, tag: "stable" }, PUBLISHED);
      await store.publish("skills", { ...PUBLICATION, version: "2.0.0", precedence: "2.0.0", digest: OTHER_BYTES }, PUBLISHED);
      expect(await store.setTag({ ...KEY, version: "2.0.0" }, "stable", entry("tag.set"))).toBe(true);
      expect((await store.package("skills", KEY.name))?.tags).toEqual(new Map([["stable", "2.0.0"]]));
    });

    test.each([
      ["approved", "2.0.0"],
      ["rejected", "1.0.0"],
    ] as const)("a tag stays where it is while the version that wants it waits; %s, it is at %s", async (status, expected) => {
      const store = await open();
      const [next, tag] = ["2.0.0", "stable"];
      await store.publish("skills", { ...PUBLICATION, tag }, PUBLISHED);
      await store.publish(
        "skills",
        { ...PUBLICATION, version: next, precedence: next, digest: OTHER_BYTES, tag, status: "pending" },
        PUBLISHED,
      );
      const tags = async (): Promise<unknown> => (await store.package("skills", KEY.name))?.tags;
      expect(await tags()).toEqual(new Map([[tag, "1.0.0"]]));
      await store.decide({ ...KEY, version: next }, { approver: "bob", status, createdAt: 7 }, entry("version.approve"));
      expect(await tags()).toEqual(new Map([[tag, expected]]));
    });

    test("a pending version is decided once", async () => {
      const store = await open();
      await store.publish("skills", { ...PUBLICATION, status: "pending" }, PUBLISHED);
      const [waiting] = await store.pending("skills", ALL);
      expect(waiting).toMatchObject({ version: "1.0.0", status: "pending" });
      expect(await store.version("skills", waiting?.id ?? 0)).toEqual(waiting);
      expect(await store.version("other", waiting?.id ?? 0)).toBeUndefined();
      expect(await store.search("skills", ALL)).toEqual({ names: [], total: 0 });
      const approval = { approver: "bob", status: "rejected", comment: "no", createdAt: 7 } as const;
      expect(await store.decide(KEY, approval, entry("version.reject"))).toBe(true);
      expect(await store.decide(KEY, { ...approval, status: "approved" }, entry("version.approve"))).toBe(false);
      expect(await store.approvals(KEY)).toEqual([approval]);
      expect(await store.pending("skills", ALL)).toEqual([]);
      expect((await store.package("skills", KEY.name))?.versions).toMatchObject([{ status: "rejected" }]);
    });

    test.each([
      ["by name", { text: "ACME" }, 1],
      ["by description", { text: "papers" }, 1],
      ["by keyword", { text: "science" }, 1],
      ["by category", { category: "research" }, 1],
      ["not by a pattern", { text: "%" }, 0],
      ["not in another category", { category: "Research" }, 0],
    ])("a package is found %s", async (_, search, total) => {
      const store = await open();
      await store.publish("skills", PUBLICATION, PUBLISHED);
      expect(await store.search("skills", { ...search, ...ALL })).toMatchObject({ total });
    });

    test("a package of which everything is yanked is found no more, and pages are cut", async () => {
      const store = await open();
      for (const packageName of ["c", "a", "b"]) await store.publish("skills", { ...PUBLICATION, name: packageName }, PUBLISHED);
      expect(await store.search("skills", { offset: 1, limit: 1 })).toEqual({ names: ["b"], total: 3 });
      await store.setYanked({ ...KEY, name: "b" }, 5, entry("version.yank"));
      expect(await store.search("skills", ALL)).toEqual({ names: ["a", "c"], total: 2 });
    });

    test.each([
      ["an event", { event: "version.yank" }, 1],
      ["an actor", { actor: "alice" }, 2],
      ["another actor", { actor: "bob" }, 0],
      ["a package", { package: KEY.name }, 2],
      ["a time", { from: 2_000, to: 2_000 }, 1],
    ])("the audit log can be asked for %s", async (_, filter, total) => {
      const store = await open();
      await store.publish("skills", PUBLICATION, PUBLISHED);
      await store.setYanked(KEY, 5, entry("version.yank", 2_000));
      const found = await store.audit("skills", { ...ALL, ...filter });
      expect(found.total).toBe(total);
      expect(found.entries).toHaveLength(total);
    });
  });
}
