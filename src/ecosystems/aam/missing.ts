import { AssayError } from "../../core/errors.ts";
import type { PackageName } from "./names.ts";

/** What a repository does not have, with the protocol's own word for it. */
export function packageNotFound(name: PackageName): AssayError {
  return new AssayError("NOT_FOUND", `no upstream has the package ${name}`, { detailCode: "PACKAGE_NOT_FOUND" });
}

export function versionNotFound(name: PackageName, version: string): AssayError {
  return new AssayError("NOT_FOUND", `${name} has no version ${JSON.stringify(version.slice(0, 150))}`, {
    help: "archives and signatures are asked for by exact version; the package's tags say which one",
    detailCode: "VERSION_NOT_FOUND",
  });
}

export function tagNotFound(name: PackageName, tag: string): AssayError {
  return new AssayError("NOT_FOUND", `${name} has neither a version nor a dist-tag ${JSON.stringify(tag)}`, {
    help: "the package's dist-tags list what there is",
    detailCode: "TAG_NOT_FOUND",
  });
}

/** `known` says what is served instead. */
export function noSuchPath(known: string): AssayError {
  return new AssayError("NOT_FOUND", "there is nothing at that path", { help: `this repository serves ${known}` });
}
