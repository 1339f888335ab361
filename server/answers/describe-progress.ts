import type { Schema } from '../../contract/schema.ts';
import { describeTask } from './describe-task.ts';
import { problemOf } from '../errors/errors.ts';
import type { ProgressEvent, TaskOutline, TaskProgress } from '../tasks/progress.ts';

/** How the making of a task comes along, as the API gives it; `path` is that of the progress itself. */
export function describeProgress({ outline, events }: TaskProgress, path: string): Schema<'TaskProgress'> {
  const { id, kind, steps } = outline;
  const last = events.at(-1);
  const genotype = events.find((event) => event.kind === 'genotype')?.genotype;
  const result = {
    kind,
    id,
    state: stateOf(events),
    steps,
    ...(genotype && { genotype }),
    fits: events.filter((event) => event.kind === 'fit').map(fitOf),
    ...(last?.kind === 'ready' && { task: describeTask(last.record) }),
    ...(last?.kind === 'failed' && { problem: problemOf(last.error, path, outline.requestId) }),
  };
  // genotype, fits and task of one task are of its kind
  return result as Schema<'TaskProgress'>;
}

function stateOf(events: readonly ProgressEvent[]): Schema<'ProgressState'> {
  const last = events.at(-1)?.kind;
  if (last === 'ready' || last === 'failed') return last;
  return events.some(({ kind }) => kind === 'started') ? 'adapting' : 'waiting';
}

function fitOf(event: Extract<ProgressEvent, { kind: 'fit' }>) {
  return 'loss' in event
    ? { step: event.step, loss: event.loss, accuracy: event.accuracy }
    : { step: event.step, meanSquaredError: event.meanSquaredError };
}

/** The data of one event of the stream. */
export function dataOf(event: ProgressEvent, { requestId }: TaskOutline, path: string): unknown {
  switch (event.kind) {
    case 'accepted':
    case 'started':
      return {};
    case 'genotype':
      return event.genotype;
    case 'fit':
      return fitOf(event);
    case 'ready':
      return describeTask(event.record);
    case 'failed':
      return problemOf(event.error, path, requestId);
  }
}
