import { describe, expect, it } from 'vitest';
import { isStale, shownAfter, sourceClasses } from '../../web/shown.ts';
import type { Shown } from '../../web/shown.ts';
import type { MadeTask, Place } from '../../web/task.ts';

const file = new File(['x'], 'private.png', { type: 'image/png' });
const draft = [{ key: 1, label: 'a', shots: [{ key: 2, file }] }];
const task = (place: Place) => ({ place, id: `of ${place}` }) as MadeTask;
const shown = (place: Place): Shown => ({
  task: task(place),
  source: { place, draft },
  queries: [file],
});

describe('what the page shows', () => {
  it.each([
    ['device', 'server', []],
    ['device', 'device', [file]],
    ['server', 'server', [file]],
    ['server', 'device', [file]],
  ] as const)('from a task of the %s to one of the %s, images that were tried', (before, after, queries) => {
    expect(shownAfter(shown(before), { task: task(after) }).queries).toEqual(queries);
  });

  it('has none of the images of the task before', () => {
    const next = shownAfter(shown('device'), { task: task('server'), queries: [] });
    expect(next).toEqual({ task: task('server'), source: undefined, queries: [] });
  });

  it('gives the images of a task for one of the same place only', () => {
    const source = { place: 'device', draft } as const;
    expect(sourceClasses({ task: task('device'), source })).toEqual([{ label: 'a', files: [file] }]);
    expect(sourceClasses({ task: task('server'), source })).toBeUndefined();
  });

  it('is out of date when the classes have changed since', () => {
    const { source } = shown('server');
    expect(isStale({ source }, draft)).toBe(false);
    expect(isStale({ source }, [{ ...draft[0]!, label: 'b' }])).toBe(true);
    expect(isStale({ source: undefined }, [])).toBe(false);
  });
});
