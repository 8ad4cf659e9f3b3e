import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type AssayProcess, startAssay } from "../support/assay-process.ts";
import { type ClientName, type ClientRun, findClient, Workspace } from "../support/clients.ts";
import { mirrorConfig, noise, type PublishedFile, publishTarball, publishWheel } from "../support/fake-registry.ts";
import { type FakeUpstream, type Fault, startFakeUpstream } from "../support/fake-upstream.ts";

/** A real client against a registry that lies, through a real `assay serve`. One file a client, so that they run side by side. */
export function describeAgainstLies(client: ClientName, kind: "pypi" | "npm"): void {
  const found = findClient(client) !== undefined;
  const whenFound = test.skipIf(!found);
  if (!found) console.warn(`skipped: ${client} is not on this machine`);
  let upstream: FakeUpstream;
  let assay: AssayProcess;
  const workspaces: Workspace[] = [];

  beforeAll(async () => {
    upstream = await startFakeUpstream();
    assay = await startAssay({ config: mirrorConfig(upstream, "metadata_ttl: 1s\nnegative_ttl: 1s") });
  });
  afterEach(() => {
    for (const workspace of workspaces.splice(0)) workspace.remove();
    upstream.heal();
  });
  afterAll(async () => {
    await assay.discard();
    await upstream.close();
  });

  let counter = 0;
  /** A package name that no other test has used: nothing about it is cached. */
  function freshName(): string {
    counter++;
    return `${client}-case-${counter}`;
  }

  function publish(published: Parameters<typeof publishWheel>[1]): PublishedFile {
    return kind === "pypi" ? publishWheel(upstream, published) : publishTarball(upstream, published);
  }

  function install(...packages: readonly string[]): Promise<ClientRun> {
    const workspace = new Workspace();
    workspaces.push(workspace);
    switch (client) {
      case "pip":
        return workspace.pipInstall(`${assay.url}/pypi/simple/`, ...packages);
      case "uv":
        return workspace.uvInstall(`${assay.url}/pypi/simple/`, ...packages);
      case "npm":
        return workspace.npmInstall(`${assay.url}/npm/`, ...packages);
      case "pnpm":
        return workspace.pnpmAdd(`${assay.url}/npm/`, ...packages);
      default:
        return client satisfies never;
    }
  }

  whenFound("an honest package installs, and the second fresh install asks upstream for no archive", async () => {
    const name = freshName();
    const { path } = publish({ name });
    expect(await install(name)).toMatchObject({ code: 0 });
    expect(await install(name)).toMatchObject({ code: 0 });
    expect(upstream.requestsFor(path).map(({ method }) => method)).toEqual(["GET"]);
  });

  whenFound("wrong bytes are refused with the reason in the client's own output", async () => {
    const name = freshName();
    const { path } = publish({ name });
    upstream.fault(path, { kind: "wrong-bytes" });
    const { code, output } = await install(name);
    expect(code).not.toBe(0);
    // pnpm prints the status only (measured); the others print the reason.
    expect(output).toMatch(client === "pnpm" ? /403/ : /expected sha(256|512)/);
  });

  whenFound("a wrong hash in the index is refused", async () => {
    const name = freshName();
    publish({ name, claims: "ab".repeat(kind === "pypi" ? 32 : 64) });
    const { code, output } = await install(name);
    expect(code).not.toBe(0);
    expect(output).toMatch(client === "pnpm" ? /403/ : /expected sha(256|512)/);
  });

  whenFound("a file without any claim is refused", async () => {
    const name = freshName();
    publish({ name, claims: "none" });
    const { code, output } = await install(name);
    expect(code).not.toBe(0);
    expect(output).toMatch(/403/);
  });

  const faults: readonly { name: string; fault: Fault }[] = [
    { name: "truncation", fault: { kind: "truncate", afterBytes: 100 } },
    { name: "a wrong length", fault: { kind: "content-length", bytes: 10_000 } },
    { name: "500s", fault: { kind: "status", status: 500 } },
    { name: "a redirect to a private address", fault: { kind: "redirect", location: "http://127.0.0.2:9/evil" } },
    { name: "404 after the index listed it", fault: { kind: "status", status: 404 } },
    { name: "a login page", fault: { kind: "html" } },
  ];
  whenFound.each(faults)(
    "$name fails the install, and after healing it works",
    async ({ fault }) => {
      const name = freshName();
      const { path } = publish({ name });
      upstream.fault(path, fault);
      expect((await install(name)).code).not.toBe(0);
      upstream.heal(path);
      expect(await install(name)).toMatchObject({ code: 0 });
    },
    240_000,
  );

  whenFound(
    "an index that turns into 500s, a login page or 404 does not stop what is held",
    async () => {
      const name = freshName();
      const { indexPath, path } = publish({ name });
      expect(await install(name)).toMatchObject({ code: 0 });
      const later: readonly Fault[] = [{ kind: "status", status: 500 }, { kind: "html" }];
      for (const fault of later) {
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        upstream.fault(indexPath, fault);
        upstream.fault(path, { kind: "status", status: 500 });
        expect(await install(name)).toMatchObject({ code: 0 });
      }
    },
    240_000,
  );

  whenFound(
    "an archive larger than what is withheld is cut when it turns out bad, and then refused",
    async () => {
      const name = freshName();
      const { path, bytes } = publish({ name, files: { "data.bin": noise(12 * 1024 * 1024) } });
      expect(bytes.length).toBeGreaterThan(9 * 1024 * 1024);
      upstream.fault(path, { kind: "wrong-bytes" });
      const { code, output } = await install(name);
      expect(code).not.toBe(0);
      // npm and pip before 26 report a broken connection; what they must not do is install it.
      expect(output).not.toMatch(/Successfully installed/);
      upstream.heal(path);
    },
    240_000,
  );
}
