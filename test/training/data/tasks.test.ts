import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, keyFrom } from '../../../model/random.ts';
import { drawView, noAugmentation, renderView } from '../../../training/data/augment.ts';
import { TaskMemory } from '../../../training/data/task-memory.ts';
import { chooseDomain, sampleTask } from '../../../training/data/tasks.ts';
import type { LabelledImages } from '../../../training/data/tasks.ts';
import { keysOf } from '../../support/random.ts';
import { plainDomain } from './domains.ts';

const size = 4;
/** Which images of a plain domain these are, read from their first pixels. */
const indices = ({ images, labels }: LabelledImages): number[] =>
  Array.from(labels, (_, index) => Math.round(images[index * 3 * size * size]! * 255));
const countOf = (labels: Int32Array, label: number): number => labels.filter((own) => own === label).length;

describe('sampleTask', () => {
  const domain = plainDomain([10, 12, 7, 9, 20, 10, 3]);

  it('holds disjoint images of the right classes, in the numbers asked for', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), fc.nat(12), (seed, shot, query) => {
        const task = sampleTask(keyFrom(seed), domain, 'train', { way: 5, shot, query });
        const support = indices(task.support);
        const queries = indices(task.query);
        expect(new Set([...support, ...queries]).size).toBe(support.length + queries.length);
        expect(new Set(task.classes).size).toBe(5);
        task.classes.forEach((name, label) => {
          const own = domain.classes.find((candidate) => candidate.name === name)!;
          expect(countOf(task.support.labels, label)).toBe(shot);
          expect(countOf(task.query.labels, label)).toBe(Math.min(query, own.count - shot));
        });
        for (const part of [task.support, task.query]) {
          indices(part).forEach((image, index) => {
            const own = domain.classes.find(({ name }) => name === task.classes[part.labels[index]!])!;
            expect(image >= own.first && image < own.first + own.count).toBe(true);
          });
        }
      }),
    );
  });

  it('is a pure function of the key', () => {
    const shape = { way: 3, shot: 2, query: 2 };
    const augmentation = { flip: true, crop: 0.3, colour: 0.4, rotateClasses: true };
    const draw = (seed: number) => sampleTask(keyFrom(seed), domain, 'train', shape, augmentation);
    const before = draw(5);
    draw(6);
    expect(draw(5)).toEqual(before);
    expect(draw(6)).not.toEqual(before);
    expect(before.support.images.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect([0, 1, 2].map((label) => countOf(before.support.labels, label))).toEqual([2, 2, 2]);
  });

  it('shows the images of the query set otherwise than those of the support set', () => {
    const alike = { ...domain, pixels: domain.pixels.map(() => 100) }; // what differs is how they are shown
    const augmentation = { flip: false, crop: 0, colour: 0.4, rotateClasses: false };
    const { support, query } = sampleTask(
      keyFrom(5),
      alike,
      'train',
      { way: 3, shot: 1, query: 1 },
      augmentation,
    );
    expect(query.images).toHaveLength(support.images.length);
    expect(query.images).not.toEqual(support.images);
  });

  it('draws the same into memory that had other tasks', () => {
    const memory = new TaskMemory();
    const augmentation = { flip: true, crop: 0.3, colour: 0.4, rotateClasses: true };
    const shapes = [
      { way: 3, shot: 1, query: 2 },
      { way: 5, shot: 2, query: 3 },
      { way: 2, shot: 1, query: 0 },
      { way: 4, shot: 2, query: 2 },
    ];
    for (const [seed, shape] of shapes.entries()) {
      memory.reset();
      const again = sampleTask(keyFrom(seed), domain, 'train', shape, augmentation, memory);
      expect(again).toEqual(sampleTask(keyFrom(seed), domain, 'train', shape, augmentation));
    }
    memory.reset();
    const first = memory.take(8);
    memory.reset();
    expect(memory.take(8).buffer).toBe(first.buffer);
  });

  it('reaches every image, and shuffles the support', () => {
    const tasks = keysOf(keyFrom(1), 300).map((key) =>
      sampleTask(key, domain, 'train', { way: 5, shot: 2, query: 3 }),
    );
    const large = domain.classes.filter((own) => own.count >= 3);
    const reachable = large.reduce((sum, own) => sum + own.count, 0);
    expect(new Set(tasks.flatMap((task) => indices(task.support))).size).toBe(reachable);
    const orders = new Set(tasks.map((task) => task.support.labels.join()));
    expect(orders.size).toBeGreaterThan(200);
  });

  it('refuses where classes are too few or too small, and malformed shapes', () => {
    const draw = (shape: Parameters<typeof sampleTask>[3]) => sampleTask(keyFrom(0), domain, 'train', shape);
    expect(() => draw({ way: 8, shot: 1, query: 1 })).toThrow('has 7 classes');
    expect(() => draw({ way: 7, shot: 3, query: 1 })).toThrow('has 6 classes of at least 4 images');
    expect(draw({ way: 7, shot: 3, query: 0 }).query.labels.length).toBe(0);
    expect(() => sampleTask(keyFrom(0), domain, 'test', { way: 2, shot: 1, query: 1 })).toThrow(RangeError);
    for (const shape of [
      { way: 0, shot: 1, query: 1 },
      { way: 2, shot: 0, query: 1 },
      { way: 2, shot: 1.5, query: 1 },
      { way: 2, shot: 1, query: -1 },
      { way: 2, shot: 1, query: 0.5 },
    ]) {
      expect(() => draw(shape)).toThrow('malformed');
    }
  });

  it('draws 80 augmented images of 42 px quickly', () => {
    const photos = plainDomain(new Array<number>(8).fill(20), 42);
    const augmentation = { flip: true, crop: 0.3, colour: 0.4, rotateClasses: false };
    const times = keysOf(keyFrom(3), 60).map((key) => {
      const start = performance.now();
      sampleTask(key, photos, 'train', { way: 5, shot: 1, query: 15 }, augmentation);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(15); // a few ms when the machine is idle; a bound against blunders
  });
});

describe('renderView', () => {
  // 2 x 2, channels equal: a b / c d
  const pixels = Uint8Array.from([10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40]);
  const shown = (quarterTurns: number, flip: boolean): number[] => {
    const output = new Float32Array(12);
    const view = { ...drawView(keyFrom(0), noAugmentation, quarterTurns, 2), flip };
    renderView(pixels, 0, 2, view, output, 0);
    return [...output.subarray(8)].map((value) => Math.round(value * 255));
  };

  it('turns and mirrors', () => {
    expect(shown(0, false)).toEqual([10, 20, 30, 40]);
    expect(shown(1, false)).toEqual([30, 10, 40, 20]);
    expect(shown(2, false)).toEqual([40, 30, 20, 10]);
    expect(shown(3, false)).toEqual([20, 40, 10, 30]);
    expect(shown(0, true)).toEqual([20, 10, 40, 30]);
  });

  it('a crop of a gradient is a gradient of the same range or less, bilinear', () => {
    const side = 20;
    const gradient = Uint8Array.from({ length: 3 * side * side }, (_, index) => 10 * (index % side));
    const output = new Float32Array(gradient.length);
    const whole = drawView(keyFrom(0), noAugmentation, 0, side);
    renderView(gradient, 0, side, { ...whole, left: 5, width: 10 }, output, 0);
    const row = [...output.subarray(0, side)].map((value) => value * 255);
    row.forEach((value, x) => expect(value).toBeCloseTo(10 * (5 + (x + 0.5) / 2 - 0.5), 3));
  });

  it('draws crops inside the image, flips half of the images, keeps grey scale order', () => {
    const augmentation = { flip: true, crop: 0.4, colour: 0.5, rotateClasses: false };
    const views = keysOf(keyFrom(4), 400).map((key) => drawView(key, augmentation, 0, 42));
    for (const view of views) {
      expect(Math.min(view.top, view.left)).toBeGreaterThanOrEqual(0);
      expect(Math.max(view.top + view.height, view.left + view.width)).toBeLessThanOrEqual(42 + 1e-9);
      expect(Math.min(view.height, view.width)).toBeGreaterThanOrEqual(0.6 * 42 - 1e-9);
      expect(view.tables[1].every((value, byte, all) => byte === 0 || value >= all[byte - 1]!)).toBe(true);
    }
    expect(Math.abs(views.filter((view) => view.flip).length - 200)).toBeLessThan(40); // 4 sigma
  });
});

describe('chooseDomain', () => {
  const domains = [plainDomain([1]), plainDomain([2]), plainDomain([3])];

  it('draws in proportion to the weights', () => {
    const drawn = Array.from({ length: 3000 }, (_, index) =>
      domains.indexOf(chooseDomain(fold(keyFrom(0), index), domains, [1, 0, 2])),
    );
    expect(drawn.includes(1)).toBe(false);
    expect(Math.abs(drawn.filter((index) => index === 0).length - 1000)).toBeLessThan(105); // 4 sigma
  });

  it.each([[[1, 1]], [[0, 0, 0]], [[1, -1, 1]], [[1, NaN, 1]]])('refuses the weights %j', (weights) => {
    expect(() => chooseDomain(keyFrom(0), domains, weights)).toThrow(RangeError);
  });
});
