import { describe, expect, it } from 'vitest';
import { temperatureOf } from '../../../model/adaptation/calibration.ts';
import { fold, keyFrom, normal, uniform } from '../../../model/random.ts';
import { fitCalibration } from '../../../training/outer-loop/fit-calibration.ts';
import type { Answers } from '../../../training/evaluation/evaluate-task.ts';

const key = keyFrom(7);

/** Labels drawn by the softmax of true logits, answered by `sureness` times them. */
function answersOf(way: number, shot: number, sureness: number): Answers {
  const count = 4000;
  const truth = normal(fold(key, way, shot), count * way).map((x) => 1.5 * x);
  const draws = uniform(fold(key, 'labels', way, shot), count);
  const targets = new Float32Array(count * way);
  for (let i = 0; i < count; i++) {
    const weights = Array.from(truth.subarray(i * way, (i + 1) * way), Math.exp);
    let rest = draws[i]! * weights.reduce((a, b) => a + b, 0);
    const label = weights.findIndex((weight) => (rest -= weight) < 0);
    targets[i * way + (label < 0 ? way - 1 : label)] = 1;
  }
  return {
    size: { way, support: way * shot },
    logits: Float32Array.from(truth, (x: number) => sureness * x),
    targets,
  };
}

describe('fitCalibration', () => {
  it('finds the temperature of every shape', () => {
    const shapes = [
      { way: 5, shot: 1, sureness: 1.5 },
      { way: 5, shot: 5, sureness: 3 },
      { way: 10, shot: 1, sureness: 1.5 },
    ];
    const calibration = fitCalibration(
      shapes.map(({ way, shot, sureness }) => answersOf(way, shot, sureness)),
    );
    for (const { way, shot, sureness } of shapes) {
      const temperature = temperatureOf({ calibration }, { way, support: way * shot });
      expect(Math.abs(temperature / sureness - 1), `${way}-way ${shot}-shot`).toBeLessThan(0.08);
    }
  });

  it('leaves answers that mean what they say as they are', () => {
    const calibration = fitCalibration([answersOf(5, 1, 1), answersOf(5, 5, 1)]);
    const temperature = temperatureOf({ calibration }, { way: 5, support: 10 });
    expect(Math.abs(temperature - 1)).toBeLessThan(0.06);
  });

  it('stays finite for answers without any doubt', () => {
    const logits = Float32Array.of(100, -100, -100, 100);
    const targets = Float32Array.of(1, 0, 0, 1);
    const calibration = fitCalibration([{ size: { way: 2, support: 2 }, logits, targets }]);
    const temperature = temperatureOf({ calibration }, { way: 2, support: 2 });
    expect(temperature).toBeGreaterThan(0);
    expect(temperature).toBeLessThanOrEqual(10);
  });
});
