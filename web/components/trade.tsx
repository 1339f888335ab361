import { useEffect, useState } from 'preact/hooks';
import { amount } from '../format.ts';
import { imageCheckpoints } from '../task.ts';
import type { MadeTask } from '../task.ts';
import { standing, tradeOf, withRoom } from '../trade.ts';
import type { TradePoint } from '../trade.ts';

const [width, height] = [260, 120];
/** Round the axes: words stand above them and below. */
const [left, right, top, bottom] = [8, 22, 20, 30];
/** Least distance of two sizes that are written, in the units of the drawing. */
const labelWidth = 40;

/** What larger files cost in work, and where the task's network stands; nothing where there is none to choose. */
export function Trade({ task }: { readonly task: MadeTask }) {
  const [points, setPoints] = useState<readonly TradePoint[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    setPoints([]);
    imageCheckpoints(abort.signal, task.labels.length).then(
      (all) => {
        const own = all.find(({ id }) => id === task.checkpoint);
        setPoints(tradeOf(own?.architectures?.choices ?? [], task));
      },
      () => undefined, // without it the facts above are still there
    );
    return () => abort.abort();
  }, [task]);
  if (points.length < 2) return null;
  const words = standing(points, (task.evaluation ?? task.estimated?.evaluation)?.accuracy);
  return (
    <figure class="trade">
      <figcaption>{words}</figcaption>
      <Curve points={points} words={words} />
      <p class="hint">Work is multiply-adds for a photo. Options, above, limit the file.</p>
    </figure>
  );
}

function Curve({ points, words }: { readonly points: readonly TradePoint[]; readonly words: string }) {
  const [last] = points.slice(-1);
  const most = Math.max(...points.map(({ multiplyAdds }) => multiplyAdds));
  const x = (bytes: number): number => left + (bytes / last!.bytes) * (width - left - right);
  const y = (work: number): number => height - bottom - (work / most) * (height - top - bottom);
  const line = points.map(({ bytes, multiplyAdds }) => `${x(bytes)},${y(multiplyAdds)}`).join(' ');
  const places = points.map(({ bytes, chosen }) => ({ at: x(bytes), chosen }));
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words}>
      <path class="axes" d={`M${left},${top - 6} V${height - bottom} H${width - right + 6}`} />
      <text x={left} y={top - 11}>
        work: {amount(most)} at most
      </text>
      <text x={left} y={height - 4}>
        size of the file
      </text>
      <polyline points={line} />
      {points.map(({ bytes, multiplyAdds, chosen }) => (
        <circle
          key={`${bytes} ${multiplyAdds}`}
          class={chosen ? 'chosen' : ''}
          cx={x(bytes)}
          cy={y(multiplyAdds)}
          r={chosen ? 5 : 3}
        >
          <title>{`${amount(bytes)}B, ${amount(multiplyAdds)} multiply-adds`}</title>
        </circle>
      ))}
      {withRoom(places, labelWidth).map((i) => (
        <text
          key={i}
          class={`size ${places[i]!.chosen ? 'own' : ''}`}
          x={places[i]!.at}
          y={height - bottom + 13}
        >
          {amount(points[i]!.bytes)}B
        </text>
      ))}
    </svg>
  );
}
