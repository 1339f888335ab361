import { beforeAll, describe, expect, test } from 'vitest';
import { caseOf, kinds } from '../../scripts/fuzz/cases.ts';
import { imagesOfEveryKind, refusedImages } from '../../scripts/fuzz/corpus.ts';
import type { Corpus } from '../../scripts/fuzz/corpus.ts';
import { fuzz } from '../../scripts/fuzz/run.ts';
import { faultOf } from '../../scripts/fuzz/send.ts';
import { harness, listen } from '../server/support/harness.ts';

let corpus: Corpus;
beforeAll(async () => {
  const images = await imagesOfEveryKind();
  corpus = { images, refused: refusedImages(), imagesTask: '0'.repeat(32), pointsTask: '1'.repeat(32) };
});

describe('fuzzing', () => {
  test('cases are functions of seed and number, and of every kind', () => {
    for (let index = 0; index < kinds.length; index++)
      expect(caseOf(5, index, corpus)).toEqual(caseOf(5, index, corpus));
    const drawn = Array.from({ length: 40 }, (_, index) => caseOf(5, index, corpus));
    expect(new Set(drawn.map(({ kind }) => kind))).toEqual(new Set(kinds));
    expect(drawn).not.toEqual(drawn.map((_, index) => caseOf(6, index, corpus)));
  });

  test('a fault is a 5xx, or an error without its document', () => {
    const sent = { kind: 'x', method: 'POST', path: '/v1/tasks', headers: {}, body: undefined };
    const answer = (status: number, type: string, body: string) => ({
      status,
      type,
      body: Buffer.from(body),
    });
    const problem = 'application/problem+json; charset=utf-8';
    expect(faultOf(sent, answer(500, problem, '{"code":"internal"}'))).toContain('500');
    expect(faultOf(sent, answer(503, problem, '{"code":"overloaded"}'))).toContain('503');
    expect(faultOf(sent, answer(404, 'text/html', 'Cannot'))).toContain('text/html');
    expect(faultOf(sent, answer(400, problem, '{}'))).toContain('code');
    expect(faultOf(sent, answer(400, problem, '{"code":"no-files"}'))).toBeUndefined();
    expect(faultOf(sent, answer(501, problem, '{"code":"no-checkpoint"}'))).toBeUndefined();
    const inference = { ...sent, path: '/v2/models/x/infer' };
    expect(faultOf(inference, answer(404, 'application/json', '{"error":"no task"}'))).toBeUndefined();
    expect(faultOf(inference, answer(404, problem, '{"code":"unknown-task"}'))).toContain('problem+json');
  });

  // `npm run fuzz` does the same with the whole service, for minutes
  test('120 cases against the app find nothing', async () => {
    const { app, folder } = await harness();
    const { port } = await listen(app);
    const service = { url: `http://127.0.0.1:${port}`, folder, lives: () => true };
    const result = await fuzz({ seed: 11, first: 0, seconds: 60, cases: 120, parallel: 4 }, service);
    expect(result.finds.map(({ index, fault }) => `case ${index}: ${fault}`)).toEqual([]);
    expect(result.tasks).toBeGreaterThan(0);
  });
});
