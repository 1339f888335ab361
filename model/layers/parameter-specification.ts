import { sizeOf } from '../graph/shapes.ts';
import type { Shape } from '../graph/shapes.ts';
import { fold, normal } from '../random.ts';
import type { Key } from '../random.ts';

/**
 * The parts of Θ = {W_E, W_A, W_M, w̃} (Eq. 9) and, as `head`, what no
 * modulator scales: the prototype head's factor and the inner rates. `conditions` makes the settings of a task on a trunk
 * (controller/conditions.ts). `statistics`, running averages, `mirroring`, `familiar` and `calibration` are not learned by gradients.
 */
export type ParameterGroup =
  | 'encoder'
  | 'controller'
  | 'modulator'
  | 'conditions'
  | 'weights'
  | 'head'
  | 'statistics'
  | 'mirroring'
  | 'familiar'
  | 'calibration';

export interface ParameterSpecification {
  readonly name: string;
  readonly shape: Shape;
  readonly group: ParameterGroup;
  /** Initial values: normal with this deviation around `mean`. */
  readonly deviation: number;
  readonly mean: number;
  /** Shape of the modulation factor that broadcasts to the weight (weights only). */
  readonly modulation?: Shape;
}

export type Parameters = Readonly<Record<string, Float32Array>>;

/** Weight [inputs, outputs] and bias of a fully connected layer; `gain` scales the weight's initial deviation. */
export function denseSpecifications(
  group: ParameterGroup,
  name: string,
  inputs: number,
  outputs: number,
  gain = 1,
): ParameterSpecification[] {
  return [
    { name: `${name}.weight`, shape: [inputs, outputs], group, deviation: gain * inputs ** -0.5, mean: 0 },
    { name: `${name}.bias`, shape: [1, outputs], group, deviation: 0, mean: 0 },
  ];
}

/** Random initial parameters (Algorithm 1, line 1); each tensor depends on the key and its name only. */
export function drawParameters(
  specifications: readonly ParameterSpecification[],
  key: Key,
): Record<string, Float32Array> {
  return Object.fromEntries(
    specifications.map(({ name, shape, deviation, mean }) => {
      const count = sizeOf(shape);
      if (deviation === 0) return [name, new Float32Array(count).fill(mean)];
      return [
        name,
        new Float32Array(normal(fold(key, name), count).map((value) => mean + deviation * value)),
      ];
    }),
  );
}
