import { describe, expect, test } from "vitest";
import type { Identification, Manifest } from "../../../src/core/ports/ecosystem.ts";
import { createPypi } from "../../../src/ecosystems/pypi/index.ts";
import { MemoryServices } from "../../support/memory-services.ts";

const pypi = createPypi(new MemoryServices().services());

function refOf(file: string, name = "demo-pkg", version = "1.0") {
  return { repository: "pypi", ecosystem: "pypi" as const, name, version, file };
}

function manifest(path: string, body: string): Manifest {
  return { path, body: Buffer.from(body) };
}

function headers(name: string, version: string): string {
  return `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nSummary: a demo\n\nName: body\nVersion: body\n`;
}

function wheel(...manifests: Manifest[]): Identification {
  return pypi.identify(refOf("demo_pkg-1.0-py3-none-any.whl"), manifests);
}

function sdist(...manifests: Manifest[]): Identification {
  return pypi.identify(refOf("demo_pkg-1.0.tar.gz"), manifests);
}

const METADATA = "demo_pkg-1.0.dist-info/METADATA";

describe("a wheel that is not what it is called", () => {
  test.each([
    ["says nothing", []],
    ["is another project", [manifest(METADATA, headers("other", "1.0"))]],
    ["is another version", [manifest(METADATA, headers("demo-pkg", "1.1"))]],
    ["has another project's folder", [manifest("other-1.0.dist-info/METADATA", headers("demo-pkg", "1.0"))]],
    ["has another version's folder", [manifest("demo_pkg-1.1.dist-info/METADATA", headers("demo-pkg", "1.0"))]],
    ["has a folder without version", [manifest("demo_pkg.dist-info/METADATA", headers("demo-pkg", "1.0"))]],
    [
      "has two folders",
      [manifest(METADATA, headers("demo-pkg", "1.0")), manifest("Demo_Pkg-1.0.dist-info/METADATA", headers("demo-pkg", "1.0"))],
    ],
  ])("%s", (_what, manifests) => {
    expect(wheel(...manifests)).toMatchObject({ kind: "other" });
  });

  test.each([
    ["no headers", ""],
    ["an empty line first", `\n${headers("demo-pkg", "1.0")}`],
    ["no name", "Version: 1.0\n"],
    ["no version", "Name: demo-pkg\n"],
    ["an empty version", "Name: demo-pkg\nVersion:\n"],
    ["two names", "Name: demo-pkg\nName: other\nVersion: 1.0\n"],
    ["two names, of which the second is right", "Name: other\nName: demo-pkg\nVersion: 1.0\n"],
    ["two versions, of which the second is right", "Name: demo-pkg\nVersion: 2.0\nVersion: 1.0\n"],
    ["one version given twice", "Name: demo-pkg\nVersion: 1.0\nVersion: 1.0\n"],
    ["two names of different case", "Name: demo-pkg\nNAME : other\nVersion: 1.0\n"],
    ["a second name behind a lone carriage return", "Name: demo-pkg\nVersion: 1.0\nSummary: x\rName: other\n"],
    ["a second version after a line that is no header", "Name: demo-pkg\nVersion: 1.0\nno header\nVersion: 2.0\n"],
    ["a name that goes on in the next line", "Name: demo-pkg\n -evil\nVersion: 1.0\n"],
    ["a name of 256 characters", `Name: demo-pkg${"-".repeat(248)}\nVersion: 1.0\n`],
    ["a name with markup", "Name: <script>\nVersion: 1.0\n"],
    ["a version of a million digits", `Name: demo-pkg\nVersion: ${"1".repeat(1_000_000)}\n`],
    ["bytes that are no text", "\0\u00ff\u00fe"],
  ])("METADATA with %s identifies nothing", (_what, body) => {
    expect(wheel(manifest(METADATA, body))).toMatchObject({ kind: "other" });
  });

  test("the reason holds the found name escaped and cut", () => {
    const found = wheel(manifest(METADATA, `Name: evil\u001b[31m${"x".repeat(220)}\nVersion: 1.0\n`));
    expect(found.kind === "other" && found.detail).toMatch(/^expected demo-pkg 1\.0, got "evil\\u001b\[31mx+\.\.\.x+" "1\.0" in /);
    expect(JSON.stringify(found).length).toBeLessThan(500);
  });
});

describe("a wheel that is", () => {
  test.each([
    ["as it should be", METADATA, headers("demo-pkg", "1.0")],
    ["spelled otherwise", "Demo.Pkg-1.0.0.dist-info/METADATA", headers("Demo_Pkg", "1.0.0")],
    ["with a dash in its folder", "demo-pkg-1.0.dist-info/METADATA", headers("demo.pkg", "v1.0")],
    ["with carriage returns", METADATA, headers("demo-pkg", "1.0").replaceAll("\n", "\r\n")],
    ["with an indented description", METADATA, "Name: demo-pkg\nVersion: 1.0\nDescription: text\n        Name: other\n"],
    ["without a last line break", METADATA, "Name: demo-pkg\nVersion: 1.0"],
  ])("%s is identified", (_what, path, body) => {
    expect(wheel(manifest(path, body))).toEqual({ kind: "same", manifestPath: path });
  });
});

describe("an sdist", () => {
  const good = manifest("demo_pkg-1.0/PKG-INFO", headers("demo-pkg", "1.0"));
  const setup = manifest("demo_pkg-1.0/setup.py", "setup()");
  test.each([
    ["without anything", []],
    ["of another version", [manifest("demo_pkg-1.0/PKG-INFO", headers("demo-pkg", "2.0")), setup]],
    ["with a second PKG-INFO that disagrees", [good, manifest("x/PKG-INFO", headers("other", "1.0"))]],
    ["with a bad PKG-INFO, though the folder is right", [manifest("demo_pkg-1.0/PKG-INFO", "?"), setup]],
    ["with only setup.py in another project's folder", [manifest("other-1.0/setup.py", "")]],
    ["with only setup.py in another version's folder", [manifest("demo_pkg-1.1/setup.py", "")]],
    ["with setup.py in a folder of no version", [manifest("demo_pkg/setup.py", "")]],
    ["without a top folder, of another version", [manifest("PKG-INFO", headers("demo-pkg", "2.0")), manifest("setup.py", "")]],
    ["whose PKG-INFO at the top contradicts the one in its folder", [manifest("PKG-INFO", headers("other", "1.0")), good, setup]],
    ["without a top folder and PKG-INFO", [manifest("setup.py", "")]],
    ["without PKG-INFO, with setup.py at the top and in the right folder", [setup, manifest("setup.py", "")]],
    ["whose PKG-INFO is only called so at its end", [manifest("X-PKG-INFO", headers("demo-pkg", "1.0"))]],
    ["with two top folders", [setup, manifest("other-1.0/setup.py", "")]],
  ])("%s is refused", (_what, manifests) => {
    expect(sdist(...manifests)).toMatchObject({ kind: "other" });
  });

  test("published as a rebuild, yet of the version it was rebuilt from, is refused", () => {
    const ref = refOf("demo_pkg-1.0.post1.tar.gz", "demo-pkg", "1.0.post1");
    expect(pypi.identify(ref, [good, setup])).toMatchObject({ kind: "other" });
  });

  test.each([
    ["with PKG-INFO", [setup, good], "demo_pkg-1.0/PKG-INFO"],
    ["with PKG-INFO in a folder of any name", [manifest("src/PKG-INFO", headers("demo-pkg", "1.0"))], "src/PKG-INFO"],
    ["without a top folder", [manifest("pyproject.toml", ""), manifest("PKG-INFO", headers("demo-pkg", "1.0"))], "PKG-INFO"],
    ["as old as setup.py", [manifest("demo-pkg-1.0/setup.py", "")], "demo-pkg-1.0/setup.py"],
    [
      "made by hand",
      [manifest("Demo_Pkg-1.0.0/pyproject.toml", ""), manifest("Demo_Pkg-1.0.0/setup.py", "")],
      "Demo_Pkg-1.0.0/pyproject.toml",
    ],
  ])("%s is identified", (_what, manifests, manifestPath) => {
    expect(sdist(...manifests)).toEqual({ kind: "same", manifestPath });
  });
});

describe("the container that a file name promises", () => {
  test.each([
    ["demo_pkg-1.0.win32.exe"],
    ["demo_pkg-1.0.msi"],
    ["demo_pkg-1.0-1.noarch.rpm"],
    ["demo_pkg-1.0.tar.Z"],
    ["other-1.0.tar.gz"],
    ["../demo_pkg-1.0.tar.gz"],
  ])("%s is none that can be checked", (file) => {
    expect(pypi.archiveFormat(refOf(file))).toBeUndefined();
    expect(pypi.identify(refOf(file), [manifest("demo_pkg-1.0/PKG-INFO", headers("demo-pkg", "1.0"))])).toMatchObject({ kind: "other" });
  });

  test.each([
    ["demo_pkg-1.0-py3-none-any.whl", "zip", "METADATA"],
    ["demo_pkg-1.0.tar.gz", "tar.gz", "PKG-INFO"],
    ["demo_pkg-1.0.zip", "zip", "PKG-INFO"],
    ["demo_pkg-1.0.tar.bz2", "tar.bz2", "PKG-INFO"],
    ["demo_pkg-1.0-py2.7.egg", "zip", "PKG-INFO"],
  ])("%s is a %s with %s", (file, container, name) => {
    const format = pypi.archiveFormat(refOf(file));
    expect(format).toMatchObject({ container });
    expect(format?.manifests[0]).toMatchObject({ depth: 2, name });
  });

  test("an sdist says what it is in its top folder or, without one, at its top", () => {
    const manifests = pypi.archiveFormat(refOf("demo_pkg-1.0.tar.gz"))?.manifests ?? [];
    expect(manifests.filter(({ name }) => name === "PKG-INFO").map(({ depth }) => depth)).toEqual([2, 1]);
  });

  test("an egg is identified by EGG-INFO", () => {
    const ref = refOf("demo_pkg-1.0-py2.7.egg");
    expect(pypi.identify(ref, [manifest("EGG-INFO/PKG-INFO", headers("demo-pkg", "2.0"))])).toMatchObject({ kind: "other" });
    expect(pypi.identify(ref, [manifest("EGG-INFO/PKG-INFO", headers("demo-pkg", "1.0"))])).toMatchObject({ kind: "same" });
  });
});
