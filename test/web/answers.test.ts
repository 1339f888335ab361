import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Module from '../../web/answers.ts';

const task = { id: 't', labels: ['b', 'a'] };
const file = (name: string) => new File([name], name, { type: 'image/png' });
const { signal } = new AbortController();

/** The names of the files of every request; a file named `broken` has its whole request refused. */
let posted: string[][];
let answers: typeof Module;

beforeEach(async () => {
  posted = [];
  vi.stubGlobal('ASSETS', {});
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.stubGlobal('location', { origin: 'http://localhost' });
  vi.stubGlobal('fetch', async (request: Request) => {
    const names = (await request.formData()).getAll('images').map((each) => (each as File).name);
    posted.push(names);
    if (names.includes('down')) return new Response('', { status: 503 });
    if (names.includes('broken')) return new Response('', { status: 422 });
    const predictions = names.map((_, i) => ({ known: 0.3, probabilities: { a: i / 10, b: 1 - i / 10 } }));
    return Response.json({ predictions });
  });
  answers = await import('../../web/answers.ts');
});
afterEach(() => void vi.unstubAllGlobals());

describe("the service's answers", () => {
  it('are asked for with one request, and are in the order of the labels', async () => {
    const given = await answers.answersOfService(task, [file('1'), file('2')], signal);
    expect(given).toEqual([
      { probabilities: [1, 0], known: 0.3 },
      { probabilities: [0.9, 0.1], known: 0.3 },
    ]);
    expect(posted).toEqual([['1', '2']]);
  });

  it('are not lost for one file that is refused', async () => {
    const files = ['1', '2', 'broken', '4'].map(file);
    const given = await answers.answersOfService(task, files, signal);
    expect(given.map((answer) => answer instanceof Error)).toEqual([false, false, true, false]);
    expect(posted).toHaveLength(5);
  });

  it('are not asked for again when the service is busy', async () => {
    const given = await answers.answersOfService(task, [file('down'), file('2')], signal);
    expect(given.every((answer) => answer instanceof Error)).toBe(true);
    expect(posted).toHaveLength(1);
  });
});

describe('a verdict', () => {
  const judgement = { probabilities: [0.2, 0.8], known: 0.3 };

  it('is the nearest class, or none below the threshold', () => {
    const verdict = { best: 'a', probability: 0.8 };
    expect(answers.verdictOf(judgement, task.labels, 0.3)).toEqual({ ...verdict, foreign: false });
    expect(answers.verdictOf(judgement, task.labels, 0.35)).toEqual({ ...verdict, foreign: true });
    expect(answers.verdictOf({ probabilities: [0.2, 0.8] }, task.labels, 1).foreign).toBe(false);
  });

  it('is said in words', () => {
    const verdict = answers.verdictOf(judgement, task.labels, 0);
    expect(answers.spoken('x.png', verdict)).toBe('x.png: a, 80\u00a0%');
    expect(answers.spoken('x.png', { ...verdict, foreign: true })).toBe('x.png: unknown, most like a');
  });

  it('is the same in both places but for rounding', () => {
    const other = { probabilities: [0.25, 0.75], known: 0.4 };
    expect(answers.largestDifference(judgement, other)).toBeCloseTo(0.1);
    expect(answers.largestDifference(judgement, { probabilities: [0.25, 0.75] })).toBeCloseTo(0.05);
  });
});
