import { useEffect, useRef, useState } from 'preact/hooks';
import { answerHere, answersOfService } from '../answers.ts';
import type { Answers } from '../answers.ts';
import type { MadeTask } from '../task.ts';

/**
 * What a task says of images, as it comes: computed here from its ONNX file, and by the service beside it where the service
 * has the task.
 */
export function useAnswers(task: MadeTask, files: readonly File[]) {
  const [answers, setAnswers] = useState<ReadonlyMap<File, Answers>>(new Map());
  const [last, setLast] = useState<File>();
  const asked = useRef(new Set<File>());
  const ended = useRef(new AbortController());
  const { signal } = ended.current;
  useEffect(() => () => ended.current.abort(), []);

  const tell = (file: File, part: Answers) => {
    if (signal.aborted) return;
    setAnswers((now) => new Map(now).set(file, { ...now.get(file), ...part }));
    setLast(file);
  };
  useEffect(() => {
    const news = files.filter((file) => !asked.current.has(file));
    for (const file of news) {
      asked.current.add(file);
      void answerHere(task, file, signal).then((browser) => tell(file, { browser }));
    }
    if (task.place === 'server' && news.length > 0)
      void answersOfService(task, news, signal).then((given) =>
        given.forEach((server, i) => tell(news[i]!, { server })),
      );
  }, [files]);
  return { answers, last };
}
