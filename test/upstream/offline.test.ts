import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { clientFor, codeOf, download, fake } from "./harness.ts";

test("offline, no call opens a socket or resolves a name", async () => {
  const upstream = await fake();
  upstream.serve("/doc", { body: "{}" });
  let resolved = 0;
  const resolve = async () => {
    resolved++;
    return [{ address: "127.0.0.1", family: 4 } as const];
  };
  for (const base of [upstream.url("/"), `http://registry.example:${upstream.port}/`]) {
    const { fetch, open } = clientFor(base, { offline: true, retries: 2, seams: { resolve } });
    expect(await codeOf(fetch("/doc"))).toBe("OFFLINE");
    expect(await codeOf(open("/doc"))).toBe("OFFLINE");
    expect(await codeOf(open("https://files.example/x"))).toBe("OFFLINE");
  }
  expect(upstream.connections).toBe(0);
  expect(resolved).toBe(0);
});

test("offline, a folder still answers: reading it is no connection; what it points to does not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "assay-offline-"));
  try {
    await writeFile(join(folder, "a.aam"), "bytes");
    const harness = clientFor(`${pathToFileURL(folder).href}/`, { offline: true, fileOrigins: ["https://files.example"] });
    expect(await download(harness, "a.aam")).toEqual(Buffer.from("bytes"));
    expect(await codeOf(harness.open("https://files.example/x"))).toBe("OFFLINE");
  } finally {
    await rm(folder, { recursive: true });
  }
});
