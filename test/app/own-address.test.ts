import { hostname } from "node:os";
import { expect, test } from "vitest";
import { isOwnAddress } from "../../src/app/own-address.ts";

const local = { listen: { host: "127.0.0.1", port: 8740 }, publicUrl: undefined };
const everywhere = { listen: { host: "0.0.0.0", port: 80 }, publicUrl: "https://packages.example/assay" };

test.each([
  { url: "http://127.0.0.1:8740/pypi/simple/", own: local, is: true },
  { url: "http://localhost:8740/npm/", own: local, is: true },
  { url: "http://[::1]:8740/npm/", own: local, is: true },
  { url: "http://127.0.0.1:8741/", own: local, is: false },
  { url: "http://10.0.0.1:8740/", own: local, is: false },
  { url: `http://${hostname()}/npm/`, own: everywhere, is: true },
  { url: "http://127.0.0.1/", own: everywhere, is: true },
  { url: "https://127.0.0.1/", own: everywhere, is: false },
  { url: "https://packages.example/assay/npm/", own: everywhere, is: true },
  { url: "https://packages.example/assay", own: everywhere, is: true },
  { url: "https://packages.example/assay-other/", own: everywhere, is: false },
])("$url is our own: $is", ({ url, own, is }) => {
  expect(isOwnAddress(new URL(url), own)).toBe(is);
});
