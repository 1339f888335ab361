import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { TopLevelSpec } from 'vega-lite';

/** Colours that the colour-blind tell apart too (Okabe & Ito). */
export const safeColours = [
  '#0072b2',
  '#e69f00',
  '#009e73',
  '#d55e00',
  '#cc79a7',
  '#56b4e9',
  '#000000',
  '#f0e442',
  '#999999',
];

/** A Vega-Lite chart as SVG on white. Warnings of the compiler are faults here. */
export async function chartSvg(spec: TopLevelSpec): Promise<string> {
  const refuse = (message: unknown): never => {
    throw new Error(`chart: ${String(message)}`);
  };
  const logger = {
    level: () => logger,
    error: refuse,
    warn: refuse,
    info: () => logger,
    debug: () => logger,
  };
  const view = new View(parse(compile({ background: 'white', ...spec }, { logger }).spec), {
    renderer: 'none',
  });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
