import { createHash } from 'node:crypto';
import { onnxruntimeVersion } from '../../engine/onnxruntime.ts';
import type { EngineChoice } from '../../engine/options.ts';
import type { ImageDomain } from '../data/domain.ts';
import type { TrainingConfiguration } from '../outer-loop/configuration.ts';
import { contentHash, identityOf } from '../outer-loop/run-identity.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { rowBytes, rowCount } from '../planes/plane-domain.ts';
import { evenRows } from '../planes/even-rows.ts';
import { commit } from '../run/commit.ts';
import { arithmeticHash } from './arithmetic.ts';

/** What the machines of a run must have in common, so that it has the same bits whoever computes what. */
export interface SharedParts {
  /** Of configuration, engine and data: the run's identity, but for where kept planes were computed. */
  readonly identity: string;
  /** Of the data of each domain. */
  readonly domains: Readonly<Record<string, string>>;
  /** Of what the CPU computes. */
  readonly arithmetic: string;
  /** In words. */
  readonly versions: string;
  /** Of the program; `unknown` where it has no history. */
  readonly commit: string;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * A domain's data wherever it lies: of kept planes the pixels that they were computed of, and a sample of their rows. So
 * planes of another trunk, or computed by another kind of CPU, differ.
 */
function dataHash(domain: ImageDomain | PlaneDomain): string {
  if (!('pixelHash' in domain)) return contentHash(domain);
  const { pixelHash, classes, views, taps, teacher } = domain;
  const rows = createHash('sha256').update(evenRows(domain.path, rowCount(domain), rowBytes(domain)));
  return digest(JSON.stringify({ pixelHash, classes, views, taps, teacher, rows: rows.digest('hex') }));
}

/** What this machine has. Call it after `flushDenormals`. */
export async function sharedParts(
  configuration: TrainingConfiguration,
  domains: readonly ImageDomain[] | readonly PlaneDomain[],
  engine: EngineChoice,
): Promise<SharedParts> {
  const hashes = new Map(domains.map((domain) => [domain.name, dataHash(domain)]));
  const planes = configuration.planes && { ...configuration.planes, trunk: '', maximumGigabytes: 0 };
  const placeless = { ...configuration, ...(planes ? { planes } : {}) };
  return {
    identity: digest(identityOf(placeless, domains, engine, ({ name }) => hashes.get(name)!)),
    domains: Object.fromEntries(hashes),
    arithmetic: await arithmeticHash(),
    versions: `onnxruntime ${onnxruntimeVersion}, V8 ${process.versions.v8}`,
    commit: commit(),
  };
}

/** What a machine has otherwise than the run, in sentences; none where it may take part. */
export function differences(run: SharedParts, own: SharedParts): string[] {
  const told: string[] = [];
  if (run.commit !== own.commit && run.commit !== 'unknown' && own.commit !== 'unknown')
    told.push(`the run is of commit ${run.commit}, this program of ${own.commit}`);
  if (run.versions !== own.versions) told.push(`the run has ${run.versions}; here is ${own.versions}`);
  for (const [name, hash] of Object.entries(run.domains))
    if (own.domains[name] !== hash)
      told.push(`${name} has other images here than in the run: --data ${name}=PATH says where they are`);
  if (run.arithmetic !== own.arithmetic)
    told.push('this CPU rounds otherwise than that of the run: machines of one kind give the same bits');
  if (told.length === 0 && run.identity !== own.identity)
    told.push('the run has another configuration than it said');
  return told;
}
