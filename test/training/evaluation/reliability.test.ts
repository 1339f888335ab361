import { describe, expect, it } from 'vitest';
import {
  expectedCalibrationError,
  pooledReliability,
  reliabilityBins,
  reliabilityOf,
} from '../../../training/evaluation/reliability.ts';

/** Logits whose softmax is these probabilities, shifted, which changes nothing. */
const logits = (...rows: readonly (readonly number[])[]): Float32Array =>
  Float32Array.from(rows.flatMap((row) => row.map((p) => Math.log(p) + 7)));

describe('reliability', () => {
  it('counts answers by their probability', () => {
    const { count, confidence, right } = reliabilityOf(
      logits([0.9, 0.1], [0.3, 0.7], [0.08, 0.92]),
      Float32Array.of(1, 0, 1, 0, 0, 1),
      2,
    );
    const nine = Math.floor(0.9 * reliabilityBins); // 0.9 and 0.92 share the bin of 13/15 to 14/15
    expect(count[nine]).toBe(2);
    expect(confidence[nine]).toBeCloseTo(1.82, 5);
    expect(right[nine]).toBe(2);
    const seven = Math.floor(0.7 * reliabilityBins);
    expect([count[seven], right[seven]]).toEqual([1, 0]);
    expect(count.reduce((a, b) => a + b, 0)).toBe(3);
  });

  it('has a place for certainty', () => {
    const sure = reliabilityOf(Float32Array.of(1000, 0), Float32Array.of(1, 0), 2);
    expect(sure.count.at(-1)).toBe(1);
    expect(expectedCalibrationError(sure)).toBe(0);
  });

  it('is in error by what is claimed beyond what is right', () => {
    const part = (right: boolean) =>
      reliabilityOf(logits([0.8, 0.2]), Float32Array.of(Number(right), Number(!right)), 2);
    const pooled = pooledReliability([part(true), part(true), part(false), part(false)]);
    expect(expectedCalibrationError(pooled)).toBeCloseTo(0.3, 5);
    const other = reliabilityOf(logits([0.6, 0.4]), Float32Array.of(1, 0), 2);
    expect(expectedCalibrationError(pooledReliability([pooled, other]))).toBeCloseTo((4 * 0.3 + 0.4) / 5, 5);
  });
});
