import fc from 'fast-check';
import { expect, it } from 'vitest';
import { trainingViews } from '../../../training/planes/training-views.ts';

const size = { width: 300, height: 200 };

it('crops of training images have 35 to 100 % of the area at 3/4 to 4/3 of the shape, inside the image', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.boolean(), (hash, mirror) => {
      const views = trainingViews('domain', hash, size, { mirror, crops: 3 });
      expect(views.length).toBe(mirror ? 5 : 4);
      for (const { box, mirrored } of views.slice(-3)) {
        const [left, top, right, bottom] = box;
        const [across, down] = [(right - left) / size.width, (bottom - top) / size.height];
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(right).toBeLessThanOrEqual(size.width);
        expect(bottom).toBeLessThanOrEqual(size.height);
        expect(across * down).toBeGreaterThan(0.35 - 1e-9);
        expect(across / down).toBeGreaterThan(3 / 4 - 1e-9);
        expect(across / down).toBeLessThan(4 / 3 + 1e-9);
        if (!mirror) expect(mirrored).toBe(false);
      }
    }),
  );
});

it('crops differ by image, number and domain, are the same each time, and half of them are mirrored', () => {
  const crops = (domain: string, hash: number) =>
    trainingViews(domain, hash, size, { mirror: true, crops: 2 }).slice(2);
  expect(crops('birds', 1)).toEqual(crops('birds', 1));
  const boxes = [...crops('birds', 1), ...crops('birds', 2), ...crops('cards', 1)].map(({ box }) =>
    box.join(),
  );
  expect(new Set(boxes).size).toBe(6);
  const mirrored = Array.from({ length: 200 }, (_, hash) => crops('birds', hash)).flat();
  expect(mirrored.filter((view) => view.mirrored).length).toBeGreaterThan(160);
  expect(mirrored.filter((view) => view.mirrored).length).toBeLessThan(240);
});
