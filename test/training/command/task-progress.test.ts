import { afterEach, expect, it, vi } from 'vitest';
import { taskProgress } from '../../../training/command/task-progress.ts';

afterEach(() => vi.restoreAllMocks());

it('tells how many tasks are done and how long the rest takes, also of a second round', () => {
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line).trim()) > 0);
  let seconds = 0;
  const tell = taskProgress('tasks', 2, () => 1000 * seconds);
  for (let round = 0; round < 2; round++) {
    seconds += 600; // nothing is done in it
    for (let done = 1; done <= 5; done++) {
      tell(done, 5);
      seconds += 20;
    }
  }
  const round = ['2 of 5 tasks | ETA 60 s', '4 of 5 tasks | ETA 20 s', '5 of 5 tasks'];
  expect(lines).toEqual([...round, ...round]);
});
