import { describe, expect, test } from "vitest";
import type { Ecosystem, EcosystemRequest, Manifest, Repository } from "../../src/core/ports/ecosystem.ts";

/** One package of an ecosystem, published at an upstream that holds nothing else. */
export interface EcosystemFixture {
  readonly ecosystem: Ecosystem;
  readonly repository: Repository;
  /** How often an upstream was asked so far. */
  upstreamRequests(): number;
  /** Path of the package's page, below the mount. */
  readonly page: readonly string[];
  /** Path of an archive that the page lists, and text that only its address at upstream holds. */
  readonly archive: readonly string[];
  readonly upstreamAddress: string;
  /** Path of an archive that could exist and does not. */
  readonly unlisted: readonly string[];
  /** Paths that upstream must never hear of. */
  readonly hostile: readonly (readonly string[])[];
  /** What the archive says about itself, and what another version's archive would. */
  readonly manifests: readonly Manifest[];
  readonly otherVersion: readonly Manifest[];
}

/** A request as http makes it. */
export function requestOf(segments: readonly string[], more: Partial<EcosystemRequest> = {}): EcosystemRequest {
  return {
    method: "GET",
    segments,
    query: new URLSearchParams(),
    accept: undefined,
    origin: "http://127.0.0.1:8740",
    mount: "/mount",
    body: async () => Buffer.alloc(0),
    requestContentType: undefined,
    ...more,
  };
}

/** What holds for every ecosystem, whatever its protocol. */
export function ecosystemContract(name: string, create: () => EcosystemFixture | Promise<EcosystemFixture>): void {
  describe(`${name} keeps the contract of ecosystems`, () => {
    test("a hostile path is answered without asking upstream", async () => {
      const { ecosystem, repository, hostile, upstreamRequests } = await create();
      for (const segments of hostile) {
        await expect(ecosystem.handle(repository, requestOf(segments)), JSON.stringify(segments)).rejects.toMatchObject({
          code: expect.stringMatching(/^(?:BAD_REQUEST|NOT_FOUND)$/),
        });
      }
      expect(upstreamRequests()).toBe(0);
    });

    test("an archive that no upstream lists is not found", async () => {
      const { ecosystem, repository, unlisted } = await create();
      const answer = await ecosystem.handle(repository, requestOf(unlisted));
      if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
      await expect(ecosystem.resolve(repository, answer.ref)).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("an upstream that has nothing makes a page not found, and no answer of another kind", async () => {
      const { ecosystem, repository, page } = await create();
      await expect(ecosystem.handle({ ...repository, upstreams: [] }, requestOf(page))).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:NOT_FOUND|UPSTREAM_NOT_CONFIGURED)$/),
      });
    });

    test("the files that a page lists are told, and none of a package that nobody has", async () => {
      const { ecosystem, repository, archive } = await create();
      const answer = await ecosystem.handle(repository, requestOf(archive));
      if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
      const { name, version, file } = answer.ref;
      expect(await ecosystem.listed(repository, name)).toContainEqual(expect.objectContaining({ version, file, listed: true }));
      await expect(ecosystem.listed(repository, "nobody-has-this")).rejects.toMatchObject({ code: "NOT_FOUND" });
      await expect(ecosystem.listed({ ...repository, upstreams: [] }, name)).rejects.toMatchObject({ code: "UPSTREAM_NOT_CONFIGURED" });
    });

    test("a name that no package can have is told to no upstream", async () => {
      const { ecosystem, repository, upstreamRequests } = await create();
      for (const name of ["", "..", "../x", "a/b/c", "@scope/../x", "a b", "a\u202eb", "x".repeat(600), "https://registry.example/x"]) {
        await expect(ecosystem.listed(repository, name), name).rejects.toMatchObject({ code: "BAD_REQUEST" });
      }
      expect(upstreamRequests()).toBe(0);
    });

    test("what clients ask for beside an archive begins with a page of its package, and the rest is answered or not there", async () => {
      const { ecosystem, repository, archive } = await create();
      const answer = await ecosystem.handle(repository, requestOf(archive));
      if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
      const [page = [], ...others] = ecosystem.companions(answer.ref);
      expect(await ecosystem.handle(repository, requestOf(page))).toMatchObject({ kind: "page", name: answer.ref.name });
      for (const path of others) {
        const kind = await ecosystem.handle(repository, requestOf(path)).then(
          (answered) => answered.kind,
          (error: { code?: string }) => error.code,
        );
        expect(["page", "NOT_FOUND"], path.join("/")).toContain(kind);
      }
    });

    test("a page sends clients to us, not to upstream", async () => {
      const { ecosystem, repository, page, upstreamAddress } = await create();
      const answer = await ecosystem.handle(repository, requestOf(page));
      if (answer.kind !== "page") throw new Error(`expected a page, got ${answer.kind}`);
      expect(answer.body.toString()).not.toContain(upstreamAddress);
      expect(answer.freshness.freshUntil).toBeGreaterThanOrEqual(answer.freshness.validatedAt);
    });

    test("GET and HEAD of an archive mean the same archive, which resolves with a digest to hold it to", async () => {
      const { ecosystem, repository, archive, upstreamAddress } = await create();
      const answer = await ecosystem.handle(repository, requestOf(archive));
      expect(await ecosystem.handle(repository, requestOf(archive, { method: "HEAD" }))).toEqual(answer);
      if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
      const resolution = await ecosystem.resolve(repository, answer.ref);
      expect(resolution.ref).toEqual(answer.ref);
      expect(resolution.url.href).toContain(upstreamAddress);
      expect(resolution.upstream).toEqual(repository.upstreams[0]);
      expect(resolution.claims.length).toBeGreaterThan(0);
    });

    test("an archive is told from another version's, and from one that says nothing", async () => {
      const { ecosystem, repository, archive, manifests, otherVersion } = await create();
      const answer = await ecosystem.handle(repository, requestOf(archive));
      if (answer.kind !== "artifact") throw new Error(`expected an artifact, got ${answer.kind}`);
      expect(ecosystem.archiveFormat(answer.ref)).toBeDefined();
      expect(ecosystem.identify(answer.ref, otherVersion)).toMatchObject({ kind: "other" });
      expect(ecosystem.identify(answer.ref, [])).toMatchObject({ kind: "other" });
      expect(ecosystem.identify(answer.ref, manifests)).toMatchObject({ kind: "same" });
    });
  });
}
