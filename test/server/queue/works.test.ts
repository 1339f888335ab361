import { expect, test } from 'vitest';
import { tellsSpeed } from '../../../server/queue/job.ts';
import { worksOf } from '../../../server/queue/works.ts';
import { everyKind } from '../support/adapter.ts';
import { storedTask } from '../support/stored-task.ts';

const works = worksOf(everyKind, 2);
const pixels = new Uint8Array(3 * 8 * 8);

test('an evaluation costs what the task costs on as many rows, a task of points what its steps do', () => {
  const task = storedTask(1);
  const one = task.record.architecture.multiplyAdds;
  expect(works.ofEvaluation(task, 7)).toEqual({ cost: 7 * one, serial: 7 * one, bytes: 0 });
  const asked = { id: '', requestId: '', requestedAt: 0, spent: {} };
  const checkpoint = { id: 'toy', sha256: '' };
  const order = (steps: number) => ({ ...asked, kind: 'regression', checkpoint, steps, points: [] }) as const;
  expect(works.ofTask(order(6)).cost).toBe(2 * works.ofTask(order(3)).cost);
});

test('an estimate without a trunk costs an adaptation for every fold', () => {
  const images = ['a', 'b'].flatMap((label) => ['1', '2'].map((order) => ({ label, order, pixels })));
  const order = { kind: 'estimate', checkpoint: 'photos', steps: 5, allowed: undefined, images } as const;
  const adaptation = {
    id: '',
    requestId: '',
    requestedAt: 0,
    spent: {},
    kind: 'images',
    checkpoint: { id: 'photos', sha256: '' },
    steps: 5,
    allowed: undefined,
    support: images,
    shared: undefined,
  } as const;
  const one = works.ofTask({ ...adaptation, support: [...images] });
  const estimate = works.ofEstimate(order);
  expect(estimate.cost).toBe(2 * one.cost); // two images a class: two folds
  expect(estimate.bytes).toBe(one.bytes);
  expect(() => works.ofEstimate({ ...order, checkpoint: 'toy' })).toThrow('toy is no checkpoint of images');
});

test('what is done for points does not tell how fast a worker is', () => {
  const kinds = ['images', 'estimate', 'images-evaluation', 'regression', 'points-evaluation'] as const;
  expect(kinds.filter(tellsSpeed)).toEqual(['images', 'estimate', 'images-evaluation']);
});
