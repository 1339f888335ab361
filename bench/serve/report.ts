import type { ServeResult } from './serve.ts';

const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);

/** The result as a Markdown table and a few lines, the worse figures too. */
export function serveTable(result: ServeResult): string {
  const { plan, stages } = result;
  const rows = [
    ['new task', result.post],
    ['the same task again', result.repeated],
    ['one small photo, one client', result.prediction],
    [`one small photo, ${plan.connections} clients`, result.predictions],
    [`25 small photos, ${plan.connections} clients`, result.batches],
    [`model, ${plan.connections} clients`, result.downloads],
    ...(result.soak
      ? ([
          [`${plan.soak} predictions`, result.soak.predictions],
          [`${plan.soakTasks} different tasks`, result.soak.tasks],
        ] as const)
      : []),
  ] as const;
  const lines = rows.map(([name, row]) => {
    const rate = 'perSecond' in row ? row.perSecond.toFixed(1) : '';
    const failed = 'failed' in row && row.failed > 0 ? ` (${row.failed} failed)` : '';
    const { first, peak, last } = row.memory;
    const memory = [first, peak, last].map(mebibytes).join(' / ');
    return `| ${name}${failed} | ${ms(row.p50)} | ${ms(row.p95)} | ${ms(row.worst)} | ${rate} | ${memory} | ${ms(row.eventLoopDelay)} |`;
  });
  const where = Object.entries(stages)
    .map(([stage, duration]) => `${stage} ${ms(duration)}`)
    .join(', ');
  return [
    `${result.machine}; ${plan.way}-way ${plan.shot}-shot, photos of ${result.megapixels.toFixed(1)} megapixels, ${(result.photoBytes / 1000).toFixed(0)} kB`,
    '',
    '| request | p50 ms | p95 ms | worst ms | a second | MiB: before / most so far / after | event loop, worst ms |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
    `the very first task: ${ms(result.cold)} ms; the median new task by stage, ms: ${where}`,
    ...result.predictions.bare.map(({ threads, ...one }, i) => {
      const many = result.batches.bare[i]!;
      return (
        `predictions reach ${(100 * one.share).toFixed(0)} % of a bare loop's ${one.perSecond.toFixed(1)} a second in ${threads} threads, ` +
        `batches ${(100 * many.share).toFixed(0)} % of ${many.perSecond.toFixed(1)}`
      );
    }),
  ].join('\n');
}
