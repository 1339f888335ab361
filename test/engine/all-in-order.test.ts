import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { allInOrder } from '../../engine/all-in-order.ts';

it('of several failures the first in the list is thrown, whichever came first', async () => {
  const fails = async (name: string, after: number) => {
    await pause(after);
    throw new Error(name);
  };
  await expect(allInOrder([Promise.resolve(), fails('first', 20), fails('second', 0)])).rejects.toThrow(
    'first',
  );
  expect(await allInOrder([pause(10, 'a'), pause(0, 'b')])).toEqual(['a', 'b']);
});
