import type request from 'supertest';
import { colours } from './multipart.ts';
import type { RawPart } from './multipart.ts';

export const shades = await colours();

/** Three classes, four images. */
export const support: readonly RawPart[] = [
  { name: 'red', file: '1.png', content: shades.red[0] },
  { name: 'green', file: '2.png', content: shades.green[0] },
  { name: 'red', file: '3.png', content: shades.red[1] },
  { name: 'blue', file: '4.png', content: shades.blue[0] },
];

export interface TaskJson {
  readonly id: string;
  readonly labels: string[];
  readonly shots: Record<string, number>;
  readonly steps: number;
  readonly model: { url: string; bytes: number; sha256: string };
}

export const taskOf = (response: request.Response) => response.body as TaskJson;
