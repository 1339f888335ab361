import { browserOf, nodeOf } from './snippets/javascript.ts';
import { pythonOf } from './snippets/python.ts';
import type { MadeTask } from './task.ts';

export interface Snippet {
  readonly name: string;
  readonly text: string;
}

interface Service {
  readonly origin: string;
  /** whether it wants a key, which is not written out: what is copied is passed on */
  readonly wantsKey: boolean;
  /** below which an image is called unknown */
  readonly threshold: number;
}

/** How programs use exactly this task: the service's with curl where it has it, and the ONNX file in three languages. */
export function snippetsOf(
  { place, id, tellsKnown, labels, size }: Pick<MadeTask, 'place' | 'id' | 'tellsKnown' | 'labels' | 'size'>,
  service: Service,
): readonly Snippet[] {
  const file = `m-nas-${id}.onnx`;
  const unknown = tellsKnown ? service.threshold.toFixed(2) : undefined;
  const own = [
    { name: 'Python', text: pythonOf(file, unknown) },
    { name: 'JavaScript in a browser', text: browserOf(file, { labels, size }, unknown) },
    { name: 'JavaScript in Node', text: nodeOf(file, { labels, size }, unknown) },
  ];
  return place === 'server' ? [...own, { name: 'curl', text: curlOf(id, service, unknown) }] : own;
}

function curlOf(id: string, { origin, wantsKey }: Service, unknown: string | undefined): string {
  const curl = wantsKey ? 'curl -H "Authorization: Bearer $API_KEY"' : 'curl';
  const task = `${origin}/v1/tasks/${id}`;
  const comment =
    unknown === undefined ? 'classify' : `classify; unknown is what fits with less than ${unknown}`;
  return `# ${comment}
${curl} -F images=@new.jpg '${task}/predictions${unknown === undefined ? '' : `?threshold=${unknown}`}'

# the ONNX file
${curl} -OJ ${task}/model`;
}
