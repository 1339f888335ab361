import type { Schema } from '../../contract/schema.ts';

type Evaluation = Schema<'ImagesEvaluation'>;

const [width, height] = [100, 6];

/** From nothing to everything right: where new photos may lie, and what was measured. The words beside it say the same. */
export function Interval({ accuracy, interval }: Pick<Evaluation, 'accuracy' | 'interval'>) {
  const [from, to] = interval as [number, number];
  return (
    <svg class="interval" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="all" width={width} height={height} rx="1" />
      <rect class="range" x={width * from} width={width * (to - from)} height={height} rx="1" />
      <rect class="measured" x={Math.min(width * accuracy, width - 1)} width="1" height={height} />
    </svg>
  );
}
