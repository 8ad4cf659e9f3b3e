import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { buildTar, type TarEntry, type TarQuirks } from "./tar.ts";
import { buildZip, type ZipEntry, type ZipQuirks } from "./zip.ts";

export { buildTar, buildZip, type TarEntry, type TarQuirks, type ZipEntry, type ZipQuirks };

export interface PackageContents {
  readonly name: string;
  readonly version: string;
  /** Further files, by path inside the package: below `package/` for npm, below `name-version/` for an sdist. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

export interface WheelContents extends PackageContents {
  /** As in `Requires-Dist`. */
  readonly requires?: readonly string[];
}

export interface BuiltArchive {
  /** File name by the ecosystem's rules. */
  readonly file: string;
  readonly bytes: Buffer;
  /** The bytes of METADATA, PKG-INFO, package.json or package.agent.json. */
  readonly manifest: Buffer;
}

/** A pure Python wheel that pip and uv install: `NAME-VERSION-py3-none-any.whl`, with a module named as the package. */
export function buildWheel({ name, version, files = {}, requires = [] }: WheelContents): BuiltArchive {
  const stem = `${pythonName(name)}-${version}`;
  const needs = requires.map((each) => `Requires-Dist: ${each}\n`).join("");
  const manifest = Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nSummary: made in a test\n${needs}`);
  const contents: [string, Buffer][] = [
    [`${pythonName(name)}/__init__.py`, Buffer.from(`__version__ = ${JSON.stringify(version)}\n`)],
    ...Object.entries(files).map(([path, body]): [string, Buffer] => [path, Buffer.from(body)]),
    [`${stem}.dist-info/METADATA`, manifest],
    [`${stem}.dist-info/WHEEL`, Buffer.from("Wheel-Version: 1.0\nGenerator: assay-test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")],
  ];
  const record = contents.map(([path, body]) => `${path},sha256=${createHash("sha256").update(body).digest("base64url")},${body.length}\n`);
  const recordPath = `${stem}.dist-info/RECORD`;
  contents.push([recordPath, Buffer.from(`${record.join("")}${recordPath},,\n`)]);
  return { file: `${stem}-py3-none-any.whl`, bytes: buildZip(contents.map(([path, body]) => ({ path, body }))), manifest };
}

/** A source distribution, `NAME-VERSION.tar.gz`, with PKG-INFO. */
export function buildSdist({ name, version, files = {} }: PackageContents): BuiltArchive {
  const stem = `${pythonName(name)}-${version}`;
  const manifest = Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`);
  const tar = buildTar([
    { path: `${stem}/PKG-INFO`, body: manifest },
    {
      path: `${stem}/setup.py`,
      body: `from setuptools import setup\nsetup(name=${JSON.stringify(name)}, version=${JSON.stringify(version)})\n`,
    },
    ...below(`${stem}/`, files),
  ]);
  return { file: `${stem}.tar.gz`, bytes: gzip(tar), manifest };
}

/** An npm tarball, `NAME-VERSION.tgz` without the scope, everything below `package/`. */
export function buildNpmTarball({ name, version, files = {} }: PackageContents): BuiltArchive {
  const manifest = Buffer.from(`${JSON.stringify({ name, version, main: "index.js" }, undefined, 2)}\n`);
  const tar = buildTar([
    { path: "package/package.json", body: manifest },
    { path: "package/index.js", body: `module.exports = ${JSON.stringify(version)};\n` },
    ...below("package/", files),
  ]);
  return { file: `${name.slice(name.indexOf("/") + 1)}-${version}.tgz`, bytes: gzip(tar), manifest };
}

/** An AAM package, `VERSION.aam`, with both manifests that its clients read and one skill, entries sorted by path. */
export function buildAam({ name, version, files = {} }: PackageContents): BuiltArchive {
  const manifest = Buffer.from(
    `${JSON.stringify({ name, version, artifacts: { skills: [{ name: "demo", path: "skills/demo/" }] } }, undefined, 2)}\n`,
  );
  const yaml = [
    `name: "${name}"`,
    `version: "${version}"`,
    "description: made in a test",
    "artifacts:",
    "  skills:",
    "    - {name: demo, path: skills/demo/, description: a skill}",
    "dependencies: {}",
    "",
  ].join("\n");
  const entries = [
    { path: "aam.yaml", body: yaml },
    { path: "package.agent.json", body: manifest },
    { path: "skills/demo/SKILL.md", body: "---\nname: demo\ndescription: a skill\n---\n" },
    ...below("", files),
  ].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return { file: `${version}.aam`, bytes: gzip(buildTar(entries)), manifest };
}

/** Gzip with the same bytes on every machine: no time, operating system unknown. */
export function gzip(bytes: Buffer): Buffer {
  const zipped = gzipSync(bytes);
  zipped[9] = 255;
  return zipped;
}

function pythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "_");
}

function below(root: string, files: Readonly<Record<string, string | Buffer>>): TarEntry[] {
  return Object.entries(files).map(([path, body]) => ({ path: `${root}${path}`, body }));
}
