import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildWheel } from "../support/archives.ts";
import { publishDistributions } from "../support/attested-registry.ts";
import { AttestedSources } from "../support/attested-sources.ts";
import { canConfine, NOT_CONFINED } from "../support/can-confine.ts";
import { findClient } from "../support/clients.ts";

/** What `--run-scripts` and `--run-build-backend` change, and what they do not. */
const confinable = canConfine();
const python = findClient("pip");
const DENIED = `version: 1\ndeny: [{purl: "pkg:pypi/denied-backend", reason: "known to be bad"}]\n`;
let sources: AttestedSources;

beforeAll(async () => {
  sources = await AttestedSources.start(DENIED);
});
afterAll(() => sources?.close());

const ASKED = { scripts: true, buildBackend: true };

describe.skipIf(!confinable)(`the scripts of an npm package${confinable ? "" : NOT_CONFINED}`, () => {
  const sourceOf = (name: string, scripts: Readonly<Record<string, string>>): Record<string, string> => ({
    "package.json": JSON.stringify({
      name,
      version: "1.0.0",
      files: ["dist"],
      repository: { type: "git", directory: `packages/${name}` },
      scripts,
    }),
    "build.js": `require("node:fs").mkdirSync("dist"); require("node:fs").writeFileSync("dist/built.js", "1;\\n");\n`,
  });
  const committed = (name: string, files: Readonly<Record<string, string>>): string =>
    sources.commit(Object.fromEntries(Object.entries(files).map(([path, text]) => [`packages/${name}/${path}`, text])));

  test("make what is in no commit, and so the package is L3 and the record says how", async () => {
    const files = sourceOf("scripted", { prepack: "npm run build", build: "node build.js" });
    const bytes = await sources.npmArchive({ ...files, "dist/built.js": "1;\n" });
    const purl = sources.publishNpm("scripted", bytes, committed("scripted", files));
    const without = await sources.rebuild(purl);
    expect(without).toMatchObject({
      exit: 2,
      said: { rebuilds: [{ result: "differs", differences: [{ kind: "only-published", path: "package/dist/built.js" }] }] },
    });
    const { exit, said } = await sources.rebuild(purl, { scripts: true, buildBackend: false });
    expect(said).toMatchObject({
      errors: [],
      rebuilds: [
        {
          result: "identical",
          level: { after: "L3" },
          builder: expect.stringMatching(/^npm pack \d+\..*Node \d+.*with the package's scripts$/),
          notes: expect.arrayContaining([expect.stringContaining("code of the package ran")]),
        },
      ],
    });
    expect(exit).toBe(0);
  }, 120_000);

  test("do not make other bytes the same: a changed one is named", async () => {
    const files = sourceOf("changed", { prepack: "node build.js" });
    const bytes = await sources.npmArchive({ ...files, "dist/built.js": "2;\n" });
    const { exit, said } = await sources.rebuild(sources.publishNpm("changed", bytes, committed("changed", files)), ASKED);
    expect(said.rebuilds).toMatchObject([
      { result: "differs", level: { after: "L2" }, differences: [{ kind: "changed", path: "package/dist/built.js" }] },
    ]);
    expect(exit).toBe(2);
  }, 120_000);

  test("that need a network fail, and nothing is recorded", async () => {
    const script = `node -e "fetch('${sources.upstream.url("/stolen").href}').catch((error) => { console.error('no network'); process.exit(1); })"`;
    const files = sourceOf("calling", { prepack: script });
    const purl = sources.publishNpm("calling", await sources.npmArchive(files), committed("calling", files));
    expect(await sources.rebuild(purl, ASKED)).toMatchObject({
      exit: 65,
      said: { rebuilds: [], errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("no network") }] },
    });
    expect(sources.upstream.requestsFor("/stolen")).toEqual([]);
  }, 120_000);

  test("see neither the published archive, nor the store, nor a secret of the environment", async () => {
    process.env["NPM_TOKEN"] = "hunter2";
    onTestFinished(() => void delete process.env["NPM_TOKEN"]);
    const build = `
      const fs = require("node:fs");
      const seen = [process.env.NPM_TOKEN, ...${JSON.stringify([sources.mirror.dataDir, sources.scratch])}.filter((each) => fs.existsSync(each))];
      console.error(seen.join(" ") === "" ? "saw nothing" : "saw " + seen);
      process.exit(1);`;
    const files = { ...sourceOf("looking", { prepack: "node build.js" }), "build.js": build };
    const purl = sources.publishNpm("looking", await sources.npmArchive(files), committed("looking", files));
    expect(await sources.rebuild(purl, ASKED)).toMatchObject({ said: { errors: [{ message: expect.stringContaining("saw nothing") }] } });
  }, 120_000);
});

describe.skipIf(!confinable || python === undefined)(
  `the build backend of an sdist${confinable ? (python === undefined ? " (skipped: this machine has no python3)" : "") : NOT_CONFINED}`,
  () => {
    /** A backend that packs every module, as flit and hatchling do: the same bytes for the same SOURCE_DATE_EPOCH. */
    const backend = (extra = ""): string => `
import gzip, io, os, tarfile
${extra}
def build_sdist(folder, config_settings=None):
    name, epoch = "NAME-1.0", int(os.environ["SOURCE_DATE_EPOCH"])
    made = os.path.join(folder, name + ".tar.gz")
    members = {"PKG-INFO": b"Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n"}
    for file in ("pyproject.toml", "module.py"):
        members[file] = open(file, "rb").read()
    with open(made, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=epoch) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path, body in sorted(members.items()):
                member = tarfile.TarInfo(name + "/" + path)
                member.size, member.mtime = len(body), epoch
                tar.addfile(member, io.BytesIO(body))
    return os.path.basename(made)
`;
    const inTree = (name: string, extra = ""): Record<string, string> => ({
      "pyproject.toml": `[build-system]\nrequires = []\nbuild-backend = "own_backend"\nbackend-path = ["tools"]\n[project]\nname = "${name}"\n`,
      "module.py": "print(1)\n",
      "tools/own_backend.py": backend(extra).replaceAll("NAME", name),
    });

    /** The sdist that its publisher built, at another time than that of the commit. */
    function built(name: string, files: Readonly<Record<string, string>>): { readonly file: string; readonly bytes: Buffer } {
      const folder = mkdtempSync(join(sources.scratch, "sdist-"));
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      writeFileSync(join(folder, "publisher.py"), backend().replaceAll("NAME", name));
      const env = { PATH: process.env["PATH"], SOURCE_DATE_EPOCH: "1700000000" };
      execFileSync(python ?? "python3", ["-c", "import publisher; publisher.build_sdist('.')"], { cwd: folder, env });
      return { file: `${name}-1.0.tar.gz`, bytes: readFileSync(join(folder, `${name}-1.0.tar.gz`)) };
    }

    test("that the source brings makes it L3, and the record says what ran", async () => {
      const files = inTree("owned");
      const purl = sources.publishSdist("owned", built("owned", files), sources.commit(files));
      const { exit, said } = await sources.rebuild(purl, ASKED);
      expect(said).toMatchObject({
        errors: [],
        rebuilds: [
          {
            result: "identical",
            level: { before: "L2", after: "L3" },
            builder: expect.stringMatching(/^build_sdist of own_backend \(Python 3\.\d+\.\d+, zlib /),
            notes: expect.arrayContaining([
              expect.stringContaining("the build backend own_backend, the package's own"),
              "SOURCE_DATE_EPOCH was 1700000000",
            ]),
          },
        ],
      });
      expect(exit).toBe(0);
    }, 120_000);

    test("does not run where nobody asks for that", async () => {
      const ran = join(sources.scratch, "backend-ran");
      const files = inTree("unasked", `open(${JSON.stringify(ran)}, "w").close()`);
      const purl = sources.publishSdist("unasked", built("unasked", files), sources.commit(files));
      const asked = { scripts: true, buildBackend: false };
      expect(await sources.rebuild(purl, asked)).toMatchObject({
        exit: 2,
        said: { rebuilds: [{ result: "differs", rebuilt: { sha256: null } }] },
      });
      expect(existsSync(ran)).toBe(false);
    }, 120_000);

    test("names a changed byte", async () => {
      const files = inTree("touched");
      const published = built("touched", { ...files, "module.py": "print(2)\n" });
      const { said } = await sources.rebuild(sources.publishSdist("touched", published, sources.commit(files)), ASKED);
      expect(said.rebuilds).toMatchObject([
        { result: "differs", level: { after: "L2" }, differences: [{ kind: "changed", path: "touched-1.0/module.py" }] },
      ]);
    }, 120_000);

    test("reaches no server, and does not see the packages of this machine", async () => {
      const address = JSON.stringify(sources.upstream.url("/stolen").href);
      const extra = `
import urllib.request
try:
    import pip
    raise SystemExit("sees pip")
except ImportError:
    pass
try:
    urllib.request.urlopen(${address}, timeout=20)
except OSError:
    raise SystemExit("reached nobody")`;
      const files = inTree("reaching", extra);
      const purl = sources.publishSdist("reaching", built("reaching", files), sources.commit(files));
      expect(await sources.rebuild(purl, ASKED)).toMatchObject({
        exit: 65,
        said: { rebuilds: [], errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("reached nobody") }] },
      });
      expect(sources.upstream.requestsFor("/stolen")).toEqual([]);
    }, 120_000);

    describe("with requirements", () => {
      interface Wheel {
        readonly name: string;
        readonly requires?: string;
        readonly modules?: Readonly<Record<string, string>>;
      }

      function publishWheel({ name, requires, modules = {} }: Wheel): void {
        const { file, bytes } = buildWheel({
          name,
          version: "1.0",
          files: modules,
          ...(requires === undefined ? {} : { requires: [requires] }),
        });
        publishDistributions(sources.upstream, "/pypi", [{ project: name, version: "1.0", file, bytes }]);
      }

      /** A source that is built by `module` of a wheel. */
      const builtBy = (requirement: string, module: string): Record<string, string> => ({
        "pyproject.toml": `[build-system]\nrequires = ["${requirement}"]\nbuild-backend = "${module}"\n`,
        "module.py": "print(1)\n",
      });

      function published(name: string, files: Readonly<Record<string, string>>): string {
        return sources.publishSdist(name, built(name, files), sources.commit(files));
      }

      test("gets them, and what they need in turn, through the mirror, which checks them first", async () => {
        publishWheel({
          name: "wheel-backend",
          requires: "packing-help >= 1",
          modules: { "wheel_backend_hooks.py": "from packing_code import build_sdist\n" },
        });
        publishWheel({ name: "packing-help", modules: { "packing_code.py": backend().replaceAll("NAME", "wheeled") } });
        const { said } = await sources.rebuild(published("wheeled", builtBy("wheel-backend == 1.0", "wheel_backend_hooks")), ASKED);
        expect(said).toMatchObject({
          errors: [],
          rebuilds: [{ result: "identical", builder: expect.stringMatching(/^build_sdist of wheel_backend_hooks \(.*wheel-backend 1\.0/) }],
        });
        const known = await sources.mirror.get(`/api/v1/artifacts?purl=${encodeURIComponent("pkg:pypi/packing-help@1.0")}`);
        expect(JSON.stringify(await known.json())).toContain('"admit"');
      }, 240_000);

      test("gets what its hook asks for besides", async () => {
        const asking = `${backend().replaceAll("NAME", "hooked")}
def get_requires_for_build_sdist(config_settings=None):
    return ["late-help"]
`;
        publishWheel({ name: "late-help", modules: { "late_code.py": "" } });
        publishWheel({ name: "asking-backend", modules: { "asking_hooks.py": asking } });
        const { said } = await sources.rebuild(published("hooked", builtBy("asking-backend", "asking_hooks")), ASKED);
        expect(said).toMatchObject({ errors: [], rebuilds: [{ result: "identical", builder: expect.stringContaining("late-help 1.0") }] });
      }, 240_000);

      test("one that the policy refuses is not had", async () => {
        publishWheel({ name: "denied-backend", modules: { "denied_hooks.py": backend().replaceAll("NAME", "refused") } });
        const answer = await sources.rebuild(published("refused", builtBy("denied-backend == 1.0", "denied_hooks")), ASKED);
        expect(answer).toMatchObject({ exit: 65, said: { rebuilds: [], errors: [{ code: "UNPROCESSABLE" }] } });
        expect(answer.said.errors[0].message).toContain("through the mirror");
      }, 240_000);

      test("a wheel that needs an address is not followed there", async () => {
        const address = sources.upstream.url("/stray/evil-1.0.tar.gz").href;
        publishWheel({ name: "stray-backend", requires: `evil @ ${address}` });
        const answer = await sources.rebuild(published("strayed", builtBy("stray-backend", "stray_hooks")), ASKED);
        expect(answer).toMatchObject({
          exit: 65,
          said: { errors: [{ code: "UNPROCESSABLE", message: expect.stringContaining("no package of an index") }] },
        });
        expect(sources.upstream.requestsFor("/stray/evil-1.0.tar.gz")).toEqual([]);
      }, 240_000);
    });
  },
);
