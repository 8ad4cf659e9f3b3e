import ipaddr from "ipaddr.js";

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * IPv4 ranges that lead into the network of whoever runs Assay. https://www.iana.org/assignments/iana-ipv4-special-registry
 * The documentation ranges (192.0.2/24, 198.51.100/24, 203.0.113/24) are left out on purpose: nothing internal is routed there, and some
 * networks map public registries to them.
 */
const INTERNAL_IPV4 = ranges([
  "0.0.0.0/8", // this host
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT; cloud metadata on some providers
  "127.0.0.0/8",
  "169.254.0.0/16", // link-local; 169.254.169.254 is cloud metadata
  "172.16.0.0/12",
  "192.0.0.0/24", // protocol assignments; cloud metadata on some providers
  "192.168.0.0/16",
  "198.18.0.0/15", // benchmarking
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, and broadcast
]);

/** The same for IPv6. https://www.iana.org/assignments/iana-ipv6-special-registry */
const INTERNAL_IPV6 = ranges([
  "::/128",
  "::1/128",
  "64:ff9b:1::/48", // NAT64 with a local prefix: what it leads to is the network's own business
  "100::/64", // discard
  "2001::/32", // Teredo: carries an IPv4 address in a form that can be dressed up
  "fc00::/7", // unique local
  "fe80::/10", // link-local
  "fec0::/10", // site-local, deprecated and still routed
  "ff00::/8", // multicast
]);

/** IPv6 forms of an IPv4 address, with the byte at which that address starts. They are judged by it. */
const EMBEDDED_IPV4: readonly { readonly range: Range; readonly at: number }[] = [
  { range: ipaddr.parseCIDR("::ffff:0:0/96"), at: 12 }, // mapped
  { range: ipaddr.parseCIDR("::/96"), at: 12 }, // compatible, deprecated
  { range: ipaddr.parseCIDR("::ffff:0:0:0/96"), at: 12 }, // translated
  { range: ipaddr.parseCIDR("64:ff9b::/96"), at: 12 }, // NAT64
  { range: ipaddr.parseCIDR("2002::/16"), at: 2 }, // 6to4
];

/** Whether a connection to this IP address leaves the operator's own networks. Text that is no IP address does not. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) return !INTERNAL_IPV4.some((range) => within(address, range));
  if (INTERNAL_IPV6.some((range) => within(address, range))) return false;
  const embedded = EMBEDDED_IPV4.find(({ range }) => within(address, range));
  if (!embedded) return true;
  return isPublicAddress(
    address
      .toByteArray()
      .slice(embedded.at, embedded.at + 4)
      .join("."),
  );
}

function ranges(cidrs: readonly string[]): readonly Range[] {
  return cidrs.map((cidr) => ipaddr.parseCIDR(cidr));
}

function within(address: ipaddr.IPv4 | ipaddr.IPv6, [base, bits]: Range): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}
