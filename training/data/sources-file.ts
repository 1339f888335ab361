import * as z from 'zod';
import { readConfiguration } from '../run/read-configuration.ts';
import { sourceSchema } from './source.ts';
import type { Source } from './source.ts';

/** Reads a YAML list of sources. @throws as `readConfiguration` does */
export const readSources = (path: string): Promise<Source[]> =>
  readConfiguration(path, z.array(sourceSchema).min(1));
