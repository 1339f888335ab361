import { describe, expect, it } from 'vitest';
import { Runs } from '../../web/runs.ts';
import type { Work } from '../../web/runs.ts';
import type { Tell } from '../../web/task.ts';

/** Runs whose work and results are noted, and one that ends when it is told to. */
function noted() {
  const works: Work<'here'>[] = [];
  const done: string[] = [];
  const runs = new Runs<string, 'here'>({
    onWork: (work) => works.push(work),
    onDone: (result) => done.push(result),
  });
  const begin = () => {
    let tell: Tell | undefined;
    let signal: AbortSignal | undefined;
    let resolve: ((result: string) => void) | undefined;
    let reject: ((reason: Error) => void) | undefined;
    runs.start('here', (ownTell, ownSignal) => {
      [tell, signal] = [ownTell, ownSignal];
      return new Promise((...settle) => {
        [resolve, reject] = settle;
      });
    });
    return { tell: tell!, signal: signal!, resolve: resolve!, reject: reject! };
  };
  return { works, done, runs, begin, last: () => works.at(-1)! };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('runs', () => {
  it('shows what a run tells, then what it gives', async () => {
    const { begin, done, last } = noted();
    const run = begin();
    expect(last()).toMatchObject({ kind: 'running', from: 'here' });
    run.tell({ text: 'half', done: 0.5 });
    expect(last()).toMatchObject({ status: { text: 'half', done: 0.5 } });
    run.resolve('made');
    await turn();
    expect(last()).toEqual({ kind: 'idle' });
    expect(done).toEqual(['made']);
  });

  it('ends the run before: the last to begin is shown, not the last to finish', async () => {
    const { begin, done } = noted();
    const [first, second] = [begin(), begin()];
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false]);
    second.resolve('second');
    await turn();
    first.resolve('first');
    await turn();
    expect(done).toEqual(['second']);
  });

  it('shows nothing of a run that was cancelled, whatever becomes of it', async () => {
    const { begin, runs, done, works } = noted();
    const [given, refused] = [begin(), begin()];
    runs.cancel();
    const before = works.length;
    expect(works.at(-1)).toEqual({ kind: 'idle' });
    refused.tell({ text: 'late' });
    given.resolve('late');
    refused.reject(new Error('late'));
    await turn();
    expect(done).toEqual([]);
    expect(works).toHaveLength(before);
  });

  it('starts a failed run once more', async () => {
    const { runs, done, last } = noted();
    let tries = 0;
    runs.start('here', () => (++tries === 1 ? Promise.reject(new Error('no key')) : Promise.resolve('made')));
    await turn();
    expect(last()).toMatchObject({ kind: 'failed', error: { message: 'no key' } });
    runs.again();
    await turn();
    expect(done).toEqual(['made']);
  });
});
