import { ALWAYS_LOOKING } from "../core/evidence.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EcosystemServices } from "../core/ports/ecosystem.ts";
import type { Log } from "../core/ports/log.ts";
import type { PublishedKey } from "../core/ports/signing-keys.ts";
import type { UpstreamClient } from "../core/ports/upstream-client.ts";
import { createOwnRegistry } from "../ecosystems/aam/hosted/own-registry.ts";
import { createEcosystems } from "../ecosystems/index.ts";
import type { HttpDeps } from "../http/deps.ts";
import { Hot, subjectKey } from "../http/hot.ts";
import { Readers } from "../http/readers.ts";
import { Tally } from "../http/tally.ts";
import { admittedNames } from "../mirror/admitted-names.ts";
import { boundIndex, upstreamsFor } from "../mirror/bound-upstreams.ts";
import { Exporter } from "../mirror/bundle/exporter.ts";
import { Importer } from "../mirror/bundle/importer.ts";
import { RecordingDocuments } from "../mirror/bundle/recording-documents.ts";
import type { Scrubber } from "../mirror/cache/scrubber.ts";
import { Counters } from "../mirror/counters.ts";
import { DecisionLog } from "../mirror/decision-log.ts";
import type { RegistryDirectory } from "../mirror/directory/registry-directory.ts";
import { MirrorDocuments } from "../mirror/documents.ts";
import { Explainer } from "../mirror/explain.ts";
import { MirrorForesight } from "../mirror/foresight.ts";
import { Door } from "../mirror/hosted/door.ts";
import { withOwnRegistry } from "../mirror/hosted/own-upstream.ts";
import { Locks } from "../mirror/locks/locks.ts";
import { CheckpointSigner } from "../mirror/log/checkpoint-signer.ts";
import { PublicLog } from "../mirror/log/public-log.ts";
import { Mirror } from "../mirror/obtain.ts";
import { isOutdated } from "../mirror/outdated.ts";
import { Planner } from "../mirror/plan/planner.ts";
import { Prefetch } from "../mirror/prefetch.ts";
import { Rebuilds } from "../mirror/rebuilds.ts";
import { Rechecker } from "../mirror/recheck.ts";
import { Summaries } from "../mirror/summaries.ts";
import { wouldLook } from "../mirror/would-look.ts";
import { SqliteHostedPackages } from "../store/hosted/sqlite-hosted-packages.ts";
import { SqliteTokens } from "../store/hosted/sqlite-tokens.ts";
import { FileKeys } from "../store/keys/file-keys.ts";
import { SqliteDecisionTree } from "../store/log/sqlite-decision-tree.ts";
import { openStore } from "../store/open-store.ts";
import { createUpstreamClient } from "../upstream/client.ts";
import { GitSourceTrees } from "../upstream/git/git-source-trees.ts";
import { createVerifiers } from "../verify/index.ts";
import { ManifestReader } from "../verify/manifest-reader.ts";
import { type ComposedCache, composeCache } from "./compose-cache.ts";
import { composeGit, gitHosts } from "./compose-git.ts";
import { composeScrub } from "./compose-scrub.ts";
import type { Config } from "./config.ts";
import { signCheckpoints } from "./decision-checkpoints.ts";
import { composeDirectory, type DirectoryOptions, requireKeepable } from "./directory/compose-directory.ts";
import { DirectoryKeeper } from "./directory/directory-keeper.ts";
import { enforcePolicy } from "./enforced-policy.ts";
import { logOrigin } from "./log-origin.ts";
import { meteredUpstream } from "./metrics/metered-upstream.ts";
import { AssayMetrics } from "./metrics/metrics.ts";
import { Rebuilder } from "./rebuild/rebuilder.ts";
import { LiveTrust } from "./trust/live-trust.ts";
import { registryKeySource } from "./trust/registry-key-source.ts";
import { connectRepositories } from "./upstream-options.ts";
import { verdictSource } from "./verdict-source.ts";

/** Everything built and wired, not yet listening. */
export interface Assay {
  readonly http: HttpDeps;
  readonly trust: LiveTrust;
  readonly explainer: Explainer;
  readonly rechecker: Rechecker;
  readonly exporter: Exporter;
  readonly importer: Importer;
  readonly rebuilder: Rebuilder;
  readonly rebuilds: Rebuilds;
  readonly locks: Locks;
  /** For one run of `assay prefetch`. */
  readonly prefetch: () => Prefetch;
  readonly planner: Planner;
  /** A folder with what is admitted, for the `aam` client. Throws BAD_REQUEST for a repository that there is not, CONFIG_INVALID where there is none. */
  directory(options: DirectoryOptions): RegistryDirectory;
  readonly cache: Pick<ComposedCache, "collector" | "uses">;
  readonly scrubber: Scrubber;
  /** Finishes what is under way, writes what is only in memory, lets go of every file. */
  close(): Promise<void>;
}

export interface ComposeDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Whether to sweep, and to follow and refresh trust roots, as long as it runs. Not for a command that is over soon. */
  readonly background?: boolean;
  /** Stands in for the network: nobody else is asked for anything. An import reads a bundle there. */
  readonly outside?: UpstreamClient;
}

const COUNTERS_FLUSH_MS = 5_000;
/** How often quarantine is swept of what crashed processes left. */
const SWEEP_MS = 10 * 60_000;
const OPEN_BLOBS = 256;

/** Throws CONFIG_INVALID for a policy or trust material that cannot be used, and what `openStore` throws. `env` is asked for the clients' index and for proxies. */
export async function compose(config: Config, { clock, log, env, background = true, outside: standIn }: ComposeDeps): Promise<Assay> {
  if (background && config.aam.directory !== undefined) await requireKeepable(config.aam.directory, log);
  const { repositories, upstreams, rules } = await connectRepositories(config, log, env);
  const halfBytes = Math.floor(config.memory.bodiesBytes / 2);
  const hot = new Hot({ bodyBytes: halfBytes, pageBytes: halfBytes });
  let keeper: DirectoryKeeper | undefined;
  const changed = (): void => {
    hot.clear();
    keeper?.changed();
  };
  // Before anything is opened: one that is not valid ends the start with nothing to close.
  const policy = await enforcePolicy(config, { repositories, rules, clock, log, changed });
  const trust = await LiveTrust.open(config, { clock, log, env, changed, signals: process });
  const store = await openStore({ dataDir: config.dataDir, clock, log }).catch(async (error: unknown) => {
    policy.close();
    await trust.close();
    throw error;
  });
  const { blobs, index } = store;
  const metrics = config.metrics && new AssayMetrics();
  const hosts = gitHosts(config, env);
  const reachable = [...upstreams, ...hosts.map(({ reach }) => reach)];
  const network = { upstreams: reachable, offline: config.offline, limits: config.limits, clock, log };
  const packages = await SqliteHostedPackages.open(config);
  const tokens = await SqliteTokens.open(config);
  const tree = await SqliteDecisionTree.open(config);
  const counters = new Counters(index, log, COUNTERS_FLUSH_MS);
  // What a bundle answers says nothing of how its upstreams do.
  const outside =
    standIn ??
    meteredUpstream(createUpstreamClient(network), (request) => {
      metrics?.heardUpstream(request);
      if (request.answered) counters.heard(request.upstream, { ms: request.seconds * 1000 });
      // Who works offline on purpose does not ask.
      else if (request.outcome.startsWith("UPSTREAM_")) counters.heard(request.upstream, "failed");
    });
  const upstream = withOwnRegistry(outside, createOwnRegistry(packages), blobs);
  const readers = new Readers(blobs, OPEN_BLOBS);
  const cache = composeCache(config, { records: store.cache, blobs, index, repositories, readers, hot, clock, log });
  const { uses, space } = cache;
  const mirrored = new MirrorDocuments(
    { index, upstream, counters, uses, clock, log },
    {
      metadataTtlMs: config.metadataTtlMs,
      negativeTtlMs: config.negativeTtlMs,
      staleIfErrorMs: config.staleIfErrorMs,
      memoryBytes: config.memory.documentsBytes,
      offline: config.offline,
    },
  );
  const documents = new RecordingDocuments(mirrored);
  const knownRegistries = trust.registries.map(({ registry }) => registry);
  const foresight = new MirrorForesight({
    index,
    policy,
    verifierIds: ALWAYS_LOOKING,
    wouldLook: (repository, admission) => wouldLook(verifiers, repository, admission) || isOutdated(verifiers, repository, admission),
    clock,
    offline: config.offline,
    records: store.cache,
  });
  const services: EcosystemServices = {
    documents,
    index: boundIndex(index, policy, repositories),
    foresight,
    upstream,
    limits: config.limits,
    log,
    knownRegistries,
    summaryOf: (repository, ref) => summaries.ofHeld(repository, ref),
    upstreamsFor: (repository, name) => upstreamsFor(policy, repository, name),
    ...(config.offline ? { heldNames: (repository) => admittedNames(repository, index) } : {}),
    publishing: {
      packages,
      clock,
      receive: (repository, bytes) => door.receive(repository, bytes),
      admit: (repository, ref, asker) => door.admit(repository, ref, asker),
    },
  };
  const ecosystems = createEcosystems(services);
  const verdicts = verdictSource(services);
  const verifiers = createVerifiers({
    limits: config.limits,
    log,
    clock,
    roots: trust,
    pgpKeys: () => policy.pgpKeys(),
    managedKeys: () => policy.managedKeys(),
    registryKeys: registryKeySource({ trust, pinned: () => policy.registryKeys() }, services),
    mirrorKeys: policy.mirrorKeys,
    verdicts,
  });
  const decisions = new DecisionLog({ index, clock, log });
  const mirror = new Mirror(
    {
      ecosystems,
      upstream,
      blobs,
      space,
      index,
      verifiers,
      policy,
      decisions,
      ...(metrics ? { measured: metrics.heardVerifier } : {}),
      limits: config.limits,
      clock,
      counters,
      log,
      // Its page may have lacked a digest, or a mark, that is known now.
      decided: ({ ref }) => {
        hot.renew(subjectKey(ref.repository, ref.name));
        if (ref.ecosystem === "aam") keeper?.changed();
      },
    },
    { withhold: config.withholdBytes, refusalTtlMs: config.refusalTtlMs },
  );
  const manifests = new ManifestReader(config);
  const measured = metrics ? { measured: metrics.heardVerifier } : {};
  const door = new Door({
    ecosystems,
    packages,
    blobs,
    space,
    manifests,
    verifiers,
    index,
    policy,
    mirror,
    limits: config.limits,
    clock,
    log,
    published: changed,
    ...measured,
  });
  const keys = new FileKeys({ dataDir: config.dataDir, clock });
  // Where they cannot be used archives are served all the same: only nothing is vouched for.
  await keys.signer().catch((error: unknown) => log.error({ err: error }, "the signing keys cannot be used, so no summaries are signed"));
  const summaries = new Summaries({ mirror, ecosystems, index, policy, keys, clock, publicUrl: config.publicUrl });
  const originOf = (published: readonly PublishedKey[]): string => logOrigin(config, published);
  const signer = new CheckpointSigner({ tree, keys, originOf });
  const checkpoints = background ? signCheckpoints(signer, log) : undefined;
  const tally = new Tally();
  metrics?.observe({ counters, tally, mirror, upstream, verifiers, policy, trust, index });
  const scrub = composeScrub(config, {
    records: store.cache,
    scrubs: store.scrub,
    blobs,
    index,
    repositories,
    mirror,
    condemned: cache.condemn,
    clock,
    log,
  });
  const sweep = (): void => void blobs.sweep().catch((error: unknown) => log.warn({ err: error }, "quarantine could not be swept"));
  const sweeping = background ? setInterval(sweep, SWEEP_MS) : undefined;
  sweeping?.unref();
  if (background) {
    sweep();
    trust.start();
    cache.start();
    scrub.start();
  }

  const git = await composeGit(config, { hosts, upstream, index, counters, clock, log, env });
  const locks = new Locks({ repositories, ecosystems, index });
  const explainer = new Explainer({ repositories, ecosystems, mirror, index, blobs, records: store.cache, policy, clock });
  const directory = (options: DirectoryOptions): RegistryDirectory =>
    composeDirectory(options, {
      repositories,
      ecosystem: ecosystems.aam,
      explainer,
      mirror,
      manifests,
      index,
      blobs,
      uses,
      limits: config.limits,
      log,
    });
  const kept = background ? config.aam.directory : undefined;
  if (kept !== undefined) {
    const asker = { kind: "command", command: "aam.directory" } as const;
    const own = directory({ path: kept, repository: config.aam.repository, asker });
    keeper = new DirectoryKeeper(() => own.sync(), { everyMs: config.aam.everyMs, log });
    keeper.start();
  }
  return {
    explainer,
    directory,
    locks,
    cache,
    prefetch: () => new Prefetch({ mirror, ecosystems, blobs }),
    scrubber: scrub.scrubber,
    rechecker: new Rechecker({ repositories, mirror, explainer, locks, blobs }),
    exporter: new Exporter({
      repositories,
      ecosystems,
      documents,
      index,
      blobs,
      keys,
      trustRoots: () => trust.all.flatMap(({ name, root }) => (root ? [{ name, text: root.text }] : [])),
      askForVerdict: (ref, resolution) => verdicts({ ref, resolution }),
    }),
    importer: new Importer({ repositories, ecosystems, mirror, index }),
    planner: new Planner({ repositories, ecosystems, verifiers, index, blobs, policy, clock }),
    rebuilder: new Rebuilder({
      dataDir: config.dataDir,
      sources: git?.sources,
      trees: new GitSourceTrees({ hosts, limits: config.limits, searchPath: env["PATH"] }),
      blobs,
      ecosystems,
      limits: config.limits,
      searchPath: env["PATH"],
      offline: config.offline,
    }),
    rebuilds: new Rebuilds({ repositories, ecosystems, mirror, index, blobs, policy, decisions, clock }),
    http: {
      repositories,
      ecosystems,
      mirror,
      summaries,
      keys,
      tokens,
      explainer,
      index,
      publicLog: new PublicLog({ tree, signer, showsEntries: config.log.showsEntries }),
      logOrigin: originOf,
      counters,
      tally,
      uses,
      hot,
      readers,
      limits: config.limits,
      clock,
      log,
      publicUrl: config.publicUrl,
      trustedProxies: config.trustedProxies,
      metrics: metrics && { token: config.metrics?.token?.reveal(), render: () => metrics.render() },
      git: git?.sources,
      trust,
    },
    trust,
    close: async () => {
      clearInterval(sweeping);
      await keeper?.close();
      await git?.close();
      metrics?.close();
      policy.close();
      await trust.close();
      await scrub.close();
      await cache.close();
      readers.close();
      await upstream.close();
      await Promise.all([manifests.close(), ...verifiers.map((verifier) => verifier.close?.())]);
      await counters.close();
      await decisions.close();
      await checkpoints?.close();
      await tree.close();
      await blobs.close();
      await tokens.close();
      await packages.close();
      await index.close();
    },
  };
}
