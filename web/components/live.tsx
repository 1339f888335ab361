import { useEffect, useState } from 'preact/hooks';
import { judge, verdictOf } from '../answers.ts';
import type { Judgement } from '../answers.ts';
import type { MadeTask } from '../task.ts';
import { Bars } from './bars.tsx';
import { CameraView } from './camera-view.tsx';
import { frameOf, useCamera } from './use-camera.ts';

interface LiveProps {
  readonly task: MadeTask;
  readonly order: readonly string[];
  readonly threshold: number;
}

/** The camera, and what the classifier says of it now. Frames are answered in this browser and go nowhere. */
export function Live({ task, order, threshold }: LiveProps) {
  const { video, error } = useCamera();
  const [judgement, setJudgement] = useState<Judgement>();
  const [failed, setFailed] = useState<string>();

  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const look = async (): Promise<void> => {
      const image = await frameOf(video.current);
      if (image && !signal.aborted) setJudgement(await judge(task, image, signal));
      // the next frame when this one is answered: a slow device looks less often, and never falls behind
      if (!signal.aborted) setTimeout(() => void look().catch(fail), image ? 0 : 100);
    };
    const fail = (reason: unknown) => {
      if (!signal.aborted) setFailed(reason instanceof Error ? reason.message : String(reason));
    };
    void look().catch(fail);
    return () => abort.abort();
  }, []);

  const problem = error ?? failed;
  return (
    <div class="live">
      <CameraView video={video} problem={problem} />
      {judgement ? (
        <Bars
          labels={task.labels}
          order={order}
          judgement={judgement}
          verdict={verdictOf(judgement, task.labels, threshold)}
        />
      ) : (
        problem === undefined && <p class="hint">Waiting for the camera …</p>
      )}
    </div>
  );
}
