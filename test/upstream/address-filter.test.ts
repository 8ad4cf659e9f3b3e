import { describe, expect, test } from "vitest";
import { isPublicAddress } from "../../src/upstream/address-filter.ts";
import { lookupFor } from "../../src/upstream/resolve-host.ts";

describe("isPublicAddress", () => {
  test.each([
    ["loopback", "127.0.0.1"],
    ["loopback, last", "127.255.255.255"],
    ["unspecified", "0.0.0.0"],
    ["this network", "0.1.2.3"],
    ["private 10/8", "10.255.0.1"],
    ["private 172.16/12, first", "172.16.0.0"],
    ["private 172.16/12, last", "172.31.255.255"],
    ["private 192.168/16", "192.168.1.1"],
    ["carrier-grade NAT, first", "100.64.0.0"],
    ["carrier-grade NAT, last", "100.127.255.255"],
    ["link-local", "169.254.0.1"],
    ["cloud metadata", "169.254.169.254"],
    ["cloud metadata in protocol assignments", "192.0.0.192"],
    ["benchmarking", "198.19.255.255"],
    ["multicast", "224.0.0.1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["IPv6 unspecified", "::"],
    ["IPv6 loopback", "::1"],
    ["IPv6 link-local", "fe80::1"],
    ["IPv6 link-local with zone", "fe80::1%eth0"],
    ["IPv6 site-local", "fec0::1"],
    ["IPv6 unique local", "fd00:ec2::254"],
    ["IPv6 multicast", "ff02::1"],
    ["Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    ["mapped loopback", "::ffff:127.0.0.1"],
    ["mapped metadata in hexadecimal", "::ffff:a9fe:a9fe"],
    ["compatible private", "::10.0.0.1"],
    ["translated private", "::ffff:0:10.0.0.1"],
    ["NAT64 private", "64:ff9b::192.168.0.1"],
    ["NAT64 local prefix", "64:ff9b:1::1"],
    ["6to4 private", "2002:0a00:0001::1"],
    ["6to4 loopback", "2002:7f00:1::"],
    ["no address", "registry.example"],
    ["empty", ""],
  ])("%s is internal: %s", (_, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    ["before 10/8", "9.255.255.255"],
    ["after 172.16/12", "172.32.0.0"],
    ["before 100.64/10", "100.63.255.255"],
    ["after 100.64/10", "100.128.0.0"],
    ["after 198.18/15", "198.20.0.0"],
    // Some networks map public registries to the documentation ranges.
    ["documentation 1", "192.0.2.1"],
    ["documentation 2", "198.51.100.1"],
    ["documentation 3", "203.0.113.1"],
    ["IPv6", "2606:4700::1"],
    ["mapped public", "::ffff:203.0.113.1"],
    ["NAT64 public", "64:ff9b::cb00:7101"],
  ])("%s is public: %s", (_, address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("lookupFor", () => {
  const mixed = async () =>
    [
      { address: "10.0.0.5", family: 4 },
      { address: "203.0.113.1", family: 4 },
      { address: "::1", family: 6 },
    ] as const;
  const answer = (publicOnly: boolean, all: boolean) =>
    new Promise((resolve, reject) =>
      lookupFor(mixed, publicOnly)("files.example", { all }, (error, address) => (error ? reject(error) : resolve(address))),
    );

  test("drops internal addresses, so the socket can only go to the public one", async () => {
    expect(await answer(true, true)).toEqual([{ address: "203.0.113.1", family: 4 }]);
    expect(await answer(true, false)).toBe("203.0.113.1");
  });

  test("keeps all for an origin that the operator wrote down", async () => {
    expect(await answer(false, true)).toHaveLength(3);
  });
});
