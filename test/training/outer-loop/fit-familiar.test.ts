import { describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { isFamiliar } from '../../../model/controller/familiar-kinds.ts';
import { fold, keyFrom, normal } from '../../../model/random.ts';
import { fitFamiliar } from '../../../training/outer-loop/fit-familiar.ts';

const width = 8;
const model = parseModelConfiguration({ encoder: { state: width }, controller: { kinds: 2 } });

/** Embeddings around 0 or 6, of deviation 1; the last dimension does not move. */
function tasksOf(domain: number, count: number, part: string) {
  return Array.from({ length: count }, (_, i) => {
    const embedding = Float32Array.from(
      normal(fold(keyFrom(2), part, domain, i), width),
      (x: number) => 6 * domain + x,
    );
    embedding[width - 1] = domain;
    return { embedding, symmetric: true, domain };
  });
}

describe('fitFamiliar', () => {
  const { center, inverse } = fitFamiliar([...tasksOf(1, 300, 'train'), ...tasksOf(0, 300, 'train')], 2);
  const parameters = { 'familiar.center': center, 'familiar.inverse': inverse };

  it('has the center and the deviations of each kind', () => {
    for (const kind of [0, 1]) {
      const own = (values: Float32Array) => values.subarray(kind * width, (kind + 1) * width - 1);
      for (const value of own(center)) expect(value).toBeCloseTo(6 * kind, 0);
      for (const value of own(inverse)) expect(value).toBeCloseTo(1, 0);
      expect(center[(kind + 1) * width - 1]).toBe(kind);
      expect(inverse[(kind + 1) * width - 1]).toBeCloseTo(1000, 0); // finite where nothing moves
    }
  });

  it('knows new tasks of its kinds, and none between them', () => {
    const known = (tasks: ReturnType<typeof tasksOf>) =>
      tasks.filter(({ embedding }) => isFamiliar(model, parameters, embedding)).length;
    expect(known([...tasksOf(0, 100, 'test'), ...tasksOf(1, 100, 'test')])).toBeGreaterThan(195);
    const between = tasksOf(0, 100, 'test').map((task) => ({
      ...task,
      embedding: task.embedding.map((x) => x + 3),
    }));
    expect(known(between)).toBe(0);
  });

  it('refuses a kind without a task', () => {
    expect(() => fitFamiliar(tasksOf(0, 3, 'train'), 2)).toThrow(/kind 1/);
  });
});
