import { describe, expect, it } from 'vitest';
import { fold, keyFrom } from '../../../../model/random.ts';
import { heldOutTasks, trainingTasks } from '../../../../training/studies/toy/batch.ts';
import { toyConfigurationSchema } from '../../../../training/studies/toy/configuration.ts';
import { drawTask, families, familyDefinitions } from '../../../../training/studies/toy/families.ts';

const points = { support: 10, query: 10 };
const reading = { xStd: Math.SQRT2, query: 'same' } as const;
const configuration = toyConfigurationSchema.parse({
  name: 'test',
  seed: 3,
  method: { kind: 'maml' },
  stages: [{ stage: 'search', iterations: 1 }],
});

describe('toy tasks', () => {
  it.each(families)('%s: coefficients in the ranges of the paper, values without noise', (family) => {
    const { ranges, value } = familyDefinitions[family];
    for (let i = 0; i < 200; i++) {
      const task = drawTask(fold(keyFrom(1), i), reading, points, family);
      task.coefficients.forEach((c, j) => {
        expect(c).toBeGreaterThanOrEqual(ranges[j]![0]);
        expect(c).toBeLessThanOrEqual(ranges[j]![1]);
      });
      task.queryX.forEach((x, j) => expect(task.queryY[j]).toBeCloseTo(value(x, task.coefficients), 4));
    }
  });

  it('known values of each family', () => {
    const at = (family: (typeof families)[number], coefficients: number[]): number =>
      familyDefinitions[family].value(0.5, coefficients);
    expect(at('sinusoid', [2, 1, 0.25])).toBeCloseTo(2 * Math.sin(0.5) + 0.25, 12);
    expect(at('linear', [2, 1])).toBe(2);
    expect(at('quadratic', [0.2, 2, 1])).toBeCloseTo(0.05 + 1 + 1, 12);
    expect(at('harmonic', [1, 2, 0.1, 0.2, 1])).toBeCloseTo(Math.sin(0.6) + 2 * Math.sin(1.2), 12);
  });

  it('x has the centre of the task and the deviation of the reading', () => {
    const tasks = Array.from({ length: 2000 }, (_, i) => drawTask(fold(keyFrom(2), i), reading, points));
    const within = tasks.map(({ supportX }) => {
      const mean = supportX.reduce((a, b) => a + b, 0) / 10;
      return supportX.reduce((total, x) => total + (x - mean) ** 2, 0) / 9;
    });
    expect(within.reduce((a, b) => a + b, 0) / within.length).toBeCloseTo(2, 1);
    const counts = families.map((family) => tasks.filter((task) => task.family === family).length);
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(90);
  });

  it('query points of the other reading are uniform in [-5, 5]', () => {
    const xs = Array.from({ length: 500 }, (_, i) =>
      drawTask(fold(keyFrom(2), i), { xStd: 2, query: 'uniform' }, points),
    ).flatMap(({ queryX }) => [...queryX]);
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(-5);
    expect(Math.max(...xs)).toBeLessThanOrEqual(5);
    expect(xs.reduce((total, x) => total + x * x, 0) / xs.length).toBeCloseTo(25 / 3, 0);
  });

  it('are functions of seed, iteration and position; test tasks are the same for every seed', () => {
    const four = trainingTasks(configuration, 7, 0, 4);
    expect(trainingTasks(configuration, 7, 2, 2)).toEqual(four.slice(2));
    expect(trainingTasks({ ...configuration, seed: 4 }, 7, 0, 4)).not.toEqual(four);
    const test = heldOutTasks('test', configuration, 'linear', 0, 3);
    expect(heldOutTasks('test', { ...configuration, points }, 'linear', 1, 2)).toEqual(test.slice(1));
    expect(heldOutTasks('validation', configuration, 'linear', 0, 3)).not.toEqual(test);
  });
});
