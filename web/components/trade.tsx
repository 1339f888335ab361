import { useEffect, useState } from 'preact/hooks';
import { amount } from '../format.ts';
import { imageCheckpoints } from '../task.ts';
import type { MadeTask } from '../task.ts';
import { standing, tradeOf } from '../trade.ts';
import type { TradePoint } from '../trade.ts';

const [width, height, margin] = [260, 110, 14];

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
      <p class="hint">
        To the right a larger file, upwards more work for a photo. Options, above, limit the file.
      </p>
    </figure>
  );
}

function Curve({ points, words }: { readonly points: readonly TradePoint[]; readonly words: string }) {
  const [last] = points.slice(-1);
  const most = Math.max(...points.map(({ multiplyAdds }) => multiplyAdds));
  const x = (bytes: number): number => margin + (bytes / last!.bytes) * (width - 2 * margin);
  const y = (work: number): number => height - margin - (work / most) * (height - 2 * margin);
  const line = points.map(({ bytes, multiplyAdds }) => `${x(bytes)},${y(multiplyAdds)}`).join(' ');
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={words}>
      <path class="axes" d={`M${margin},${margin} V${height - margin} H${width - margin}`} />
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
    </svg>
  );
}
