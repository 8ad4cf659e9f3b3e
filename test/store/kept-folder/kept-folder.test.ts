import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { KeptFolder } from "../../../src/store/kept-folder/kept-folder.ts";
import { canMountSmallDisk, mountSmallDisk } from "../../support/small-disk.ts";
import { temporaryFolder } from "../temporary-folder.ts";

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const names = (folder: string): readonly string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

async function kept(path: string, files: Readonly<Record<string, string>>): Promise<KeptFolder> {
  const folder = await KeptFolder.open(path);
  await folder.announce(Object.keys(files));
  for (const [file, text] of Object.entries(files)) await folder.write(file, text);
  return folder;
}

describe("a folder that is not ours", () => {
  test.each<{ name: string; files: Readonly<Record<string, string>> }>([
    { name: "with a file", files: { "mine.txt": "mine" } },
    { name: "with a marker that is no JSON", files: { ".assay/kept-files.json": "{" } },
    { name: "with a marker of another format", files: { ".assay/kept-files.json": '{"format": 2, "files": []}' } },
    { name: "with a marker that names a path out of it", files: { ".assay/kept-files.json": '{"format": 1, "files": ["../mine.txt"]}' } },
    { name: "with a marker that names an absolute path", files: { ".assay/kept-files.json": '{"format": 1, "files": ["/etc/hosts"]}' } },
    { name: "with a marker that names itself", files: { ".assay/kept-files.json": '{"format": 1, "files": [".assay/kept-files.json"]}' } },
  ])("$name is refused", async ({ files }) => {
    const path = temporaryFolder();
    mkdirSync(join(path, ".assay"));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    const before = names(path);
    await expect(KeptFolder.open(path)).rejects.toMatchObject({ code: "CONFLICT" });
    expect(names(path)).toEqual(before);
  });

  test("a file in its place is refused", async () => {
    const path = join(temporaryFolder(), "file");
    writeFileSync(path, "mine");
    await expect(KeptFolder.open(path)).rejects.toMatchObject({ code: "STORE_IO" });
  });
});

describe("a folder that is ours", () => {
  test("is known by its marker from the first file on, and is not written to again for the same text", async () => {
    const path = join(temporaryFolder(), "new/folder");
    const folder = await kept(path, { "a/b.txt": "one" });
    expect(await folder.write("a/b.txt", "one")).toBe(false);
    expect(await folder.write("a/b.txt", "two")).toBe(true);
    await folder.close();
    const again = await KeptFolder.open(path);
    expect([...again.files]).toEqual(["a/b.txt"]);
    expect(await again.readText("a/b.txt", 100)).toBe("two");
    expect(await again.readText("a/b.txt", 2)).toBeUndefined();
    expect(names(path)).toEqual([".assay", ".assay/kept-files.json", "a", "a/b.txt"]);
  });

  test("nothing is written that was not announced: a crash would leave it to nobody", async () => {
    const folder = await kept(temporaryFolder(), {});
    await expect(folder.write("a.txt", "one")).rejects.toThrow("not announced");
    await expect(folder.place(await folder.stage(chunks("one")), "a.txt")).rejects.toThrow("not announced");
  });

  test("what a crash left half done is ours to finish or to remove", async () => {
    const path = temporaryFolder();
    const crashed = await kept(path, { "a.txt": "one" });
    await crashed.announce(["a.txt", "b.txt"]);
    await crashed.stage(chunks("half"));
    // No close: the process is gone.
    const next = await KeptFolder.open(path);
    expect([...next.files]).toEqual(["a.txt", "b.txt"]);
    expect(await next.remove("b.txt")).toBe(false);
    expect(await next.remove("a.txt")).toBe(true);
    await next.announce([]);
    await next.close();
    expect(names(path)).toEqual([".assay", ".assay/kept-files.json"]);
  });

  test("a staged file gets its name whole, and its digest is of its bytes", async () => {
    const path = temporaryFolder();
    const folder = await kept(path, {});
    await folder.announce(["deep/er/archive.aam"]);
    const staged = await folder.stage(chunks("ab", "c"));
    expect(staged).toMatchObject({ sizeBytes: 3, digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" });
    expect(names(path)).not.toContain("deep");
    await folder.place(staged, "deep/er/archive.aam");
    expect(readFileSync(join(path, "deep/er/archive.aam"), "utf8")).toBe("abc");
    expect(await folder.digestOf("deep/er/archive.aam")).toBe(staged.digest);
  });

  test("a file that was changed is read anew, one that was not is not", async () => {
    const path = temporaryFolder();
    const read = new Map();
    const folder = await KeptFolder.open(path, read);
    await folder.announce(["a.txt"]);
    await folder.write("a.txt", "one");
    const digest = await folder.digestOf("a.txt");
    expect(await (await KeptFolder.open(path, read)).digestOf("a.txt")).toBe(digest);
    writeFileSync(join(path, "a.txt"), "two");
    expect(await folder.digestOf("a.txt")).not.toBe(digest);
    rmSync(join(path, "a.txt"));
    expect(await folder.digestOf("a.txt")).toBeUndefined();
  });

  test("links and folders that somebody puts in the way are neither followed nor replaced", async () => {
    const path = temporaryFolder();
    const outside = temporaryFolder();
    writeFileSync(join(outside, "b.txt"), "theirs");
    const folder = await kept(path, { "a/b.txt": "one", "c.txt": "one", "d.txt": "one" });
    rmSync(join(path, "a"), { recursive: true });
    symlinkSync(outside, join(path, "a"));
    rmSync(join(path, "c.txt"));
    symlinkSync(join(outside, "b.txt"), join(path, "c.txt"));
    rmSync(join(path, "d.txt"));
    mkdirSync(join(path, "d.txt"));
    for (const file of ["a/b.txt", "c.txt", "d.txt"]) {
      expect(await folder.isTaken(file)).toBe(true);
      expect(await folder.digestOf(file)).toBeUndefined();
      expect(await folder.remove(file)).toBe(false);
      await expect(folder.write(file, "two")).rejects.toMatchObject({ code: "CONFLICT" });
    }
    expect(readFileSync(join(outside, "b.txt"), "utf8")).toBe("theirs");
  });
});

describe.skipIf(!canMountSmallDisk())("on a full disk", () => {
  test("what is there stays readable, and the rest is written once there is room", async () => {
    const disk = mountSmallDisk(1);
    if (!disk) throw new Error("could not mount, although it could a moment ago");
    onTestFinished(() => disk.unmount());
    const folder = await kept(disk.folder, { "a.txt": "one" });
    await folder.announce(["a.txt", "b.aam"]);
    const { bavail, bsize } = statfsSync(disk.folder);
    writeFileSync(join(disk.folder, "filler"), Buffer.alloc(Math.max(0, bavail * bsize - 8192), 1));
    await expect(folder.stage(chunks("x".repeat(200_000)))).rejects.toMatchObject({ code: "STORE_FULL" });
    await expect(folder.write("a.txt", "y".repeat(200_000))).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(readFileSync(join(disk.folder, "a.txt"), "utf8")).toBe("one");
    rmSync(join(disk.folder, "filler"));
    await folder.place(await folder.stage(chunks("x".repeat(200_000))), "b.aam");
    await folder.close();
    expect(names(disk.folder)).toEqual([".assay", ".assay/kept-files.json", "a.txt", "b.aam"]);
  });
});
