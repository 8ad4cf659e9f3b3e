import { printable } from "../core/printable.ts";
import { roundedSize } from "./rounded-size.ts";
import type { StatsReport, Traffic, UpstreamReport } from "./stats.ts";
import { table } from "./table.ts";

/** What `assay stats` tells a person. */
export function statsText({ since, repositories, total, upstreams, refused }: StatsReport): string {
  const rows = repositories.map(({ repository, ...traffic }) => trafficRow(repository, traffic));
  const blocks = [
    [since === null ? "everything that was counted" : `from ${since} on (UTC)`],
    table([
      ["repository", "served", "fetched", "hit ratio", "refused", "bytes served", "bytes fetched", "bytes saved", "requests saved"],
      ...rows,
      ...(rows.length === 1 ? [] : [trafficRow("all", total)]),
    ]),
    upstreams.length === 0
      ? []
      : table([["upstream", "answered", "failed", "half within", "99% within", "slowest"], ...upstreams.map(upstreamRow)]),
    refused.length === 0
      ? []
      : table([
          ["refused", "why", "times"],
          ...refused.map(({ ecosystem, name, code, times }) => [`pkg:${ecosystem}/${name}`, code, String(times)]),
        ]),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${printable(line)}\n`).join(""))
    .join("\n");
}

function trafficRow(name: string, traffic: Traffic): readonly string[] {
  const { served, fetched, hitRatio, refused, bytesServed, bytesFetched, bytesSaved, requestsSaved } = traffic;
  const ratio = hitRatio === null ? "-" : `${(hitRatio * 100).toFixed(1)}%`;
  const bytes = [bytesServed, bytesFetched, bytesSaved].map(roundedSize);
  return [name, String(served), String(fetched), ratio, String(refused), ...bytes, String(requestsSaved)];
}

function upstreamRow({ upstream, answered, failed, p50Ms, p99Ms, maxMs }: UpstreamReport): readonly string[] {
  return [upstream, String(answered), String(failed), ...[p50Ms, p99Ms, maxMs].map(timeText)];
}

function timeText(milliseconds: number | null): string {
  if (milliseconds === null) return "-";
  return milliseconds < 1000 ? `${Math.ceil(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
