import { expect, test } from 'vitest';
import { keptByAllocator } from '../../server/allocator.ts';

test('glibc keeps released memory unless its environment says otherwise', () => {
  expect(keptByAllocator({}, true)).toContain('MALLOC_MMAP_THRESHOLD_');
  expect(keptByAllocator({ MALLOC_MMAP_THRESHOLD_: '1048576' }, true)).toBeUndefined();
  expect(keptByAllocator({}, false)).toBeUndefined();
});
