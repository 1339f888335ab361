import { table } from '../../report/markdown.ts';
import { differences, intervalOf } from '../../report/statistics.ts';
import type { Interval } from '../../report/statistics.ts';
import { isMainReading, meanOverFamilies } from './families.ts';
import { figure, format, grouped } from './format.ts';
import { converged, divergedError, pooled, searchIterations } from './measures.ts';
import type { ToyResult } from './result.ts';

/** The last validation error is so much above the best one where it is worth a sentence. */
const worthTelling = 1.1;

/** A point of the curve of validation, of all families together. */
interface Validated {
  readonly iteration: number;
  readonly error: number;
}

/** Validations of states that a row could report: of a search none, since its cells are not decoded. */
function validated({ configuration, curve }: ToyResult): Validated[] {
  const from = configuration ? searchIterations(configuration) : 0;
  return curve
    .filter(({ iteration }) => iteration > from)
    .map(({ iteration, errors }) => ({
      iteration,
      error: meanOverFamilies(errors),
    }));
}

/** The best and the last validation of a run in the main reading; null where there was none. */
function ends(result: ToyResult): { readonly best: Validated; readonly last: Validated } | null {
  const points = isMainReading(result.reading) ? validated(result) : [];
  const last = points.at(-1);
  if (!last) return null;
  const { best } = result;
  return {
    best: best
      ? { iteration: best.iteration, error: best.validation }
      : points.reduce((a, b) => (b.error < a.error ? b : a)),
    last,
  };
}

/** A sentence for every run that ends clearly worse in validation than it was. */
export const lastStateNotes = (results: readonly ToyResult[]): string[] =>
  results.flatMap((result) => {
    const found = ends(result);
    if (!found || found.last.error < worthTelling * found.best.error) return [];
    const { best, last } = found;
    const tested = result.best
      ? `On test tasks that state has ${figure(intervalOf(converged(pooled(result.best))).mean)}.`
      : 'That state was not kept.';
    return [
      `- ${result.name}, seed ${result.seed}, was best in validation at iteration ${grouped(best.iteration)} (${figure(best.error)}) and ends at ${figure(last.error)}. ${tested}`,
    ];
  });

/** Errors of one state minus those of another, without the tasks on which one of them diverged. */
const gain = (best: readonly number[], last: readonly number[]): Interval => {
  const kept = (errors: readonly number[]): number[] =>
    errors.filter((_, task) => best[task]! <= divergedError && last[task]! <= divergedError);
  return intervalOf(differences(kept(best), kept(last)));
};

/** The state that was best in validation beside the last one, of every run. */
export function bestSection(results: readonly ToyResult[]): string {
  const rows = results.flatMap((result) => {
    const found = ends(result);
    if (!found) return [];
    const { best } = result;
    const last = format(intervalOf(converged(pooled(result))));
    const tested = best
      ? [format(intervalOf(converged(pooled(best)))), last, format(gain(pooled(best), pooled(result)))]
      : ['not kept', last, ''];
    return [
      [
        result.name,
        `${result.seed}`,
        grouped(found.best.iteration),
        figure(found.best.error),
        figure(found.last.error),
        ...tested,
      ],
    ];
  });
  const header = ['row', 'seed', 'best at iteration', 'validation then', 'validation at the end'];
  return rows.length === 0
    ? ''
    : `## Best in validation\n\nThe state of the least validation error, of all families together, beside the last one, which the other tables have. A search is not counted: its cells are not decoded. Errors are without the tasks that diverged. Earlier runs did not keep that state.\n\n${table([...header, 'test, best', 'test, last', 'best minus last'], rows)}\n`;
}
