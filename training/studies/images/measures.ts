import { isDeepStrictEqual } from 'node:util';
import { parseGenotypeKey } from '../../../model/search-space/genotype.ts';
import { sizeOf } from '../../../model/graph/shapes.ts';
import { TaskGraphs } from '../../../model/inner-loop/step-graphs.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import { expectedCalibrationError, pooledReliability } from '../../evaluation/reliability.ts';
import type { Reliability } from '../../evaluation/reliability.ts';
import { differences, intervalOf, meanOfIntervals, tallied } from '../../report/statistics.ts';
import type { Interval, Tally } from '../../report/statistics.ts';
import { ParameterLayout } from '../../run/parameter-vector.ts';
import { baselineSpecifications } from './baselines/table.ts';
import { isBaseline } from './configuration.ts';
import type { ImageResult, ImageSetting } from './result.ts';

/** What a column of a table is the mean of: groups of domains with one weight each, whose tasks are pooled. */
export interface Column {
  readonly name: string;
  readonly groups: readonly (readonly string[])[];
}

/** The domains that stand for the paper's Multi-datasets: Bird, Aircraft, Texture and, in Fungi's place, grocery. */
const multi: Column = {
  name: 'multi',
  groups: [['bird'], ['aircraft'], ['texture', 'dtd'], ['grocery']],
};

export const domainColumn = (name: string): Column => ({ name, groups: [[name]] });

/** Texture with its second half, the photos of the paper's own data set. */
export const textureColumn: Column = { name: 'texture + dtd', groups: [['texture', 'dtd']] };

/** A column for every domain, one for `multi` where its domains are there, and one for the mean of all domains. */
export function columnsOf(domains: readonly string[]): Column[] {
  const hasMulti = multi.groups.flat().every((name) => domains.includes(name));
  const mean = { name: 'mean', groups: domains.map((name) => [name]) };
  return [...domains.map(domainColumn), ...(hasMulti ? [multi] : []), mean];
}

/** The domains that a run was tested on. */
export const domainsOf = ({ settings }: ImageResult): string[] => [
  ...new Set(settings.map(({ domain }) => domain)),
];

/** All domains that any of the runs was tested on, and the means that they give. */
export const allColumns = (results: readonly ImageResult[]): Column[] =>
  columnsOf([...new Set(results.flatMap(domainsOf))]);

export const shotsOf = (results: readonly ImageResult[]): number[] =>
  [...new Set(results.flatMap(({ protocol }) => protocol.shots))].sort((a, b) => a - b);

export const settingAt = (
  { settings }: ImageResult,
  domain: string,
  shot: number,
): ImageSetting | undefined => settings.find((setting) => setting.domain === domain && setting.shot === shot);

export type Mode = 'served' | 'transductive';

/** Percent of right answers of every task. */
const percents = (setting: ImageSetting, mode: Mode): number[] =>
  setting[mode].map((right, i) => (100 * right) / setting.queries[i]!);

/** The mean of a column over what `of` tells of each of its domains; null where one of them is missing. */
function over(
  { groups }: Column,
  of: (domain: string) => readonly number[] | null | undefined,
): Interval | null {
  const pooled = groups.map((group) => group.map(of));
  if (pooled.length === 0 || pooled.flat().some((values) => !values)) return null;
  return meanOfIntervals(pooled.map((group) => intervalOf(group.flatMap((values) => [...values!]))));
}

/** Accuracy, percent. */
export const accuracy = (result: ImageResult, column: Column, shot: number, mode: Mode): Interval | null =>
  over(column, (domain) => {
    const setting = settingAt(result, domain, shot);
    return setting && percents(setting, mode);
  });

/** Accuracy of a floor, percent. */
export function floorAccuracy(
  result: ImageResult,
  { groups }: Column,
  shot: number,
  floor: keyof NonNullable<ImageSetting['floors']>,
): Interval | null {
  const accuracies = groups.map((group) => {
    const own = group.flatMap((domain) => settingAt(result, domain, shot)?.floors?.[floor] ?? []);
    return own.length === group.length
      ? meanOfIntervals(own.map(({ mean, interval }) => ({ mean, half: interval })))
      : null;
  });
  return accuracies.every((own) => own !== null) && accuracies.length > 0
    ? meanOfIntervals(accuracies)
    : null;
}

/**
 * Whether two runs were tested on the same tasks, so that they can be compared task by task; one may have had fewer,
 * which are the first ones of the other.
 */
export const comparable = (a: ImageResult, b: ImageResult): boolean =>
  isDeepStrictEqual({ ...a.protocol, tasks: 0 }, { ...b.protocol, tasks: 0 });

/** The run of row `name` with the same seed that was tested on the same tasks; undefined where there is none. */
export const counterpart = (
  own: ImageResult,
  name: string,
  results: readonly ImageResult[],
): ImageResult | undefined =>
  results.find((other) => other.name === name && other.seed === own.seed && comparable(own, other));

/** Served accuracy of `a` minus that of `b` on the tasks that both were tested on, percent, with its paired interval. */
export const pairedDifference = (
  a: ImageResult,
  b: ImageResult,
  column: Column,
  shot: number,
): Interval | null =>
  over(column, (domain) => {
    const [own, other] = [settingAt(a, domain, shot), settingAt(b, domain, shot)];
    if (!own || !other) return null;
    const both = Math.min(own.queries.length, other.queries.length);
    return differences(percents(own, 'served').slice(0, both), percents(other, 'served').slice(0, both));
  });

/** Transductive accuracy minus served, percent, with its paired interval. */
export const transductiveGain = (result: ImageResult, column: Column, shot: number): Interval | null =>
  over(column, (domain) => {
    const setting = settingAt(result, domain, shot);
    return setting && differences(percents(setting, 'transductive'), percents(setting, 'served'));
  });

/** Served answers of all domains at one shot. */
export const reliabilityAt = ({ settings }: ImageResult, shot: number): Reliability =>
  pooledReliability(settings.filter((setting) => setting.shot === shot).map((own) => own.reliability));

/** Expected calibration error of the served probabilities over all domains, percent. */
export const calibrationError = (result: ImageResult, shot: number): number =>
  100 * expectedCalibrationError(reliabilityAt(result, shot));

/** Architectures that the test tasks of any shot decode to, with their counts by domain, the most frequent first. */
export const architectures = (result: ImageResult): Tally[] =>
  tallied(
    domainsOf(result).map((domain) => {
      const counts: Record<string, number> = {};
      for (const { genotypes } of result.settings.filter((setting) => setting.domain === domain))
        for (const [key, count] of Object.entries(genotypes)) counts[key] = (counts[key] ?? 0) + count;
      return counts;
    }),
  );

/** How far the domain decides a task's architecture. */
export interface Preferences {
  /** Position among the architectures of the most frequent one of each domain, in the order of the domains. */
  readonly favourites: readonly number[];
  /** Share of the test tasks that have the most frequent architecture of their domain. */
  readonly byDomain: number;
  /** Share that have the most frequent one of all: what a choice that knows no domain would reach. */
  readonly overall: number;
}

/** Of architectures with their counts by domain, the most frequent first. */
export function preferencesOf(found: readonly Tally[]): Preferences {
  const tasks = found.reduce((sum, { total }) => sum + total, 0);
  const counts = found[0]!.counts.map((_, domain) => found.map((own) => own.counts[domain]!));
  const highest = counts.map((own) => Math.max(...own));
  return {
    favourites: counts.map((own, domain) => own.indexOf(highest[domain]!)),
    byDomain: highest.reduce((sum, count) => sum + count, 0) / tasks,
    overall: found[0]!.total / tasks,
  };
}

/** Weights of the network of one architecture, or of a conv4, with the head of a task. */
export function networkWeights({ configuration, protocol }: ImageResult, key: string | null): number {
  const network =
    key === null
      ? ({ kind: 'conv4' } as const)
      : ({ kind: 'child', genotype: parseGenotypeKey(key) } as const);
  const adapted = new TaskGraphs(configuration.model, network).adapted(protocol.way);
  return adapted.reduce((total, { shape }) => total + sizeOf(shape), 0);
}

/** Weights of a run's networks, the mean over test tasks. */
export function meanWeights(result: ImageResult): number {
  const found = architectures(result);
  if (found.length === 0) return networkWeights(result, null);
  const tasks = found.reduce((sum, { total }) => sum + total, 0);
  return found.reduce((sum, { key, total }) => sum + total * networkWeights(result, key), 0) / tasks;
}

/** Numbers in Θ, with what is fitted at its end: all that meta-training learns. */
export const metaWeights = ({ configuration }: ImageResult): number =>
  new ParameterLayout(
    isBaseline(configuration)
      ? baselineSpecifications(configuration)
      : parameterSpecifications(configuration.model),
  ).length;

/** Tasks that training saw, of the stages that `of` holds for. */
export const trainingTasks = ({ stages }: ImageResult, of: (stage: string) => boolean = () => true): number =>
  stages.reduce((total, { stage, tasks }) => total + (of(stage) ? tasks : 0), 0);

/** Core-hours of training. */
export const coreHours = ({ stages }: ImageResult): number =>
  stages.reduce((total, { coreSeconds }) => total + coreSeconds, 0) / 3600;
