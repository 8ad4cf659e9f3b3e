import { basename, isAbsolute, relative, resolve } from "node:path";
import type { RepositoryPolicy, Policy as RulingPolicy } from "../core/policy.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Repository } from "../core/ports/ecosystem.ts";
import type { Log } from "../core/ports/log.ts";
import type { AssessingPolicy, PolicyQuestion } from "../core/ports/policy.ts";
import { ruleNames } from "../core/upstream-names.ts";
import type { ExplainedVerdict } from "../mirror/explain.ts";
import type { DoorPolicy } from "../mirror/hosted/door-verdict.ts";
import { assessLevel, decide, type Ruling } from "../policy/decide/decide.ts";
import { foresee } from "../policy/decide/foresee.ts";
import { explainVerdict } from "../policy/explain-verdict.ts";
import { type LivePolicy, type PolicyChange, watchPolicy } from "../policy/live-policy.ts";
import { type Proposal, propose } from "../policy/propose/propose.ts";
import type { ReadPolicy } from "../policy/read-policy.ts";
import { type Rehearsal, rehearse } from "../policy/rehearse.ts";
import { bindingOf, requiredTag, selectRule } from "../policy/select-rule.ts";
import { loadPinnedKeys, type PinnedKey } from "../verify/openpgp/pinned-keys.ts";
import type { RegistryKey } from "../verify/registry-signature/registry-keys.ts";
import type { ManagedKey } from "../verify/sigstore/managed-key.ts";
import type { MirrorKeys } from "../verify/vsa.ts";
import type { Config } from "./config.ts";
import { CONFIG_DEFAULTS } from "./config-defaults.ts";
import { levelOf } from "./level-of.ts";
import { mirrorKeyIds, mirrorKeysOf } from "./mirror-keys.ts";
import { loadPolicyKeys, type PolicyKeys } from "./policy-keys.ts";

/** The policy that requests are decided by, as its file says it now. */
export interface EnforcedPolicy extends AssessingPolicy, Pick<DoorPolicy, "publishRequiresSignature"> {
  /** The OpenPGP keys that the policy names. Read anew when the policy changes. Throws CONFIG_INVALID where a key file cannot be used. */
  pgpKeys(): Promise<readonly PinnedKey[]>;
  /** The same for the keys of other Assays. */
  readonly mirrorKeys: MirrorKeys;
  status(): PolicyStatus;
  /** The keys of Sigstore bundles without a certificate that the policy names, with their files. */
  managedKeys(): readonly ManagedKey[];
  /** The registries' keys that the policy names with a file. */
  registryKeys(): readonly RegistryKey[];
  /** The same as `decide`, with the reasons and what would change it. */
  explain(question: PolicyQuestion): ExplainedVerdict;
  /** What it would make of an archive, and once it is enforced. */
  rehearse(question: PolicyQuestion): Rehearsal;
  /** A policy like it that lets in what these questions are about. Throws UNPROCESSABLE. */
  propose(questions: readonly PolicyQuestion[], owner: string): Proposal;
  close(): void;
}

export interface PolicyStatus {
  readonly revision: string;
  readonly mode: RulingPolicy["mode"];
  /** When the policy in force was read, milliseconds since the epoch. */
  readonly loadedAt: number;
  /** False where the file was changed since to something that is not valid. */
  readonly isCurrent: boolean;
}

interface EnforceDeps {
  readonly repositories: readonly Repository[];
  /** What the configuration leaves to the operator, by repository name. */
  readonly rules: ReadonlyMap<string, RepositoryPolicy>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when another policy holds from now on. */
  readonly changed: () => void;
}

/** Reads the policy file and follows its changes. Throws CONFIG_INVALID where it is not valid at the start; a bad change later keeps the old policy and is logged. */
export async function enforcePolicy(config: Config, deps: EnforceDeps): Promise<EnforcedPolicy> {
  const keys = new WeakMap<ReadPolicy, PolicyKeys>();
  const known = {
    repositories: deps.repositories.map(({ name }) => name),
    trust: ["public", ...Object.keys(config.trust)],
    upstreams: deps.repositories.map(({ name, ecosystem, upstreams }) => ({
      repository: name,
      ecosystem,
      names: upstreams.flatMap(ruleNames),
    })),
  };
  const live = await watchPolicy({
    file: config.policyPath,
    optional: config.policyPath === resolve(CONFIG_DEFAULTS.policy),
    known,
    clock: deps.clock,
    signals: process,
    accept: async (read) => void keys.set(read, await loadPolicyKeys(read.policy)),
  });
  warn(live.current(), deps.log);
  const reading = { loadedAt: deps.clock.now(), isCurrent: true };
  live.subscribe((change) => {
    reading.isCurrent = change.kind === "loaded";
    if (change.kind === "loaded") reading.loadedAt = deps.clock.now();
    follow(change, deps);
  });
  const rulingFor = ({ ref }: PolicyQuestion, { policy, feeds }: ReadPolicy): Ruling => {
    const repository = deps.rules.get(ref.repository);
    if (!repository) throw new Error(`no policy for a repository that is not configured: ${ref.repository}`);
    return { policy, feeds, repository, levelOf };
  };
  const name = toldName(config.policyPath);
  return {
    decide: (question) => decide(question, rulingFor(question, live.current())),
    explain: (question) => {
      const current = live.current();
      const told = explainVerdict(question, rulingFor(question, current), { file: config.policyPath, name });
      return { ...told, file: name, revision: current.revision };
    },
    rehearse: (question) => rehearse(question, rulingFor(question, live.current()), { file: config.policyPath, name }),
    propose: (questions, owner) => {
      const current = live.current();
      const surroundingsOf = (question: PolicyQuestion) => rulingFor(question, current);
      return propose({ base: current, questions, surroundingsOf, known, now: deps.clock.now(), owner });
    },
    assess: (question) => {
      const current = live.current();
      const ruling = rulingFor(question, current);
      const { level } = assessLevel(question, ruling);
      return { verdict: decide(question, ruling), level, enforced: current.policy.mode === "enforce", policySha256: current.textSha256 };
    },
    foresee: (prospect) => foresee(prospect, live.current()),
    inForce: (ref) => {
      const { policy, file, revision } = live.current();
      const { label, rule } = selectRule(policy, ref);
      return { file, revision, mode: policy.mode, rule: label, ...(rule ? { ruleAt: rule.at } : {}) };
    },
    needsTags: ({ ecosystem }) => requiredTag(live.current().policy, ecosystem) !== undefined,
    publishRequiresSignature: () => live.current().policy.governance.publishRequiresSignature,
    boundTo: (packaged) => bindingOf(live.current().policy, packaged)?.upstream,
    pgpKeys: perRevision(live, pinnedKeysOf),
    mirrorKeys: { ids: () => mirrorKeyIds(live.current().policy), keys: perRevision(live, mirrorKeysOf) },
    managedKeys: () => keys.get(live.current())?.managed ?? [],
    registryKeys: () => keys.get(live.current())?.registry ?? [],
    status: () => {
      const { policy, revision } = live.current();
      return { revision, mode: policy.mode, ...reading };
    },
    close: () => live.close(),
  };
}

/** Clients are told where in the policy a rule stands, and no path of this machine: the file as seen from the working directory, or its own name. */
function toldName(path: string): string {
  const seen = relative(process.cwd(), path);
  return seen.startsWith("..") || isAbsolute(seen) ? basename(path) : seen;
}

function follow(change: PolicyChange, { log, changed }: EnforceDeps): void {
  if (change.kind === "kept") {
    log.error({ err: change.error }, "the changed policy is not valid: the one before it stays in force");
    return;
  }
  log.info({ file: change.policy.file, revision: change.policy.revision }, "the policy changed: it holds from the next request on");
  warn(change.policy, log);
  changed();
}

function warn({ warnings }: ReadPolicy, log: Log): void {
  for (const warning of warnings) log.warn({ ...warning }, "the policy has something dangerous, or that does nothing");
}

/** What `read` makes of the policy of now, read once for each revision. */
function perRevision<Value>(live: LivePolicy, read: (policy: RulingPolicy) => Promise<Value>): () => Promise<Value> {
  let known: { revision: string; value: Value } | undefined;
  return async () => {
    const { policy, revision } = live.current();
    // Only what could be read is remembered: a key file that was being replaced is there the next time.
    if (known?.revision !== revision) known = { revision, value: await read(policy) };
    return known.value;
  };
}

/** The OpenPGP keys of the signers that a policy names. Throws CONFIG_INVALID where a key file cannot be used. */
export async function pinnedKeysOf({ signers }: Pick<RulingPolicy, "signers">): Promise<readonly PinnedKey[]> {
  const named = [...signers.values()].flatMap((signer) => (signer.kind === "openpgp" ? [signer] : []));
  const loads = named.map(({ keysPath, fingerprints }) => (keysPath === undefined ? [] : loadPinnedKeys(keysPath, fingerprints)));
  return (await Promise.all(loads)).flat();
}
