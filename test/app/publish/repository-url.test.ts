import { expect, test } from "vitest";
import { repositoryUrl } from "../../../src/app/publish/repository-url.ts";

test.each([
  "/srv/git/tool.git",
  "../tool",
  "file:///srv/git/tool.git",
  "ext::sh -c evil",
  "https://localhost/acme/tool",
  "https://github.com/",
  "git@github.com:acme/../tool",
  "",
])("%j is no public address of a repository", (remote) => {
  expect(repositoryUrl(remote)).toBeUndefined();
});

test.each([
  "https://github.com/acme/tool",
  "https://github.com/acme/tool.git",
  "https://ann:secret@github.com/acme/tool.git",
  "ssh://git@github.com:22/acme/tool.git",
  "git@github.com:acme/tool.git",
  "github.com:/acme/tool",
])("%j is the repository as everybody reaches it, without a secret", (remote) => {
  expect(repositoryUrl(remote)).toBe("https://github.com/acme/tool");
});
