import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Request, Response, Router } from 'express';
import { ServiceError } from '../errors/errors.ts';
import type { Asset } from '../page/asset.ts';
import type { Page } from '../page/build.ts';
import { pagePolicy } from '../page/policy.ts';
import { remembered } from '../concurrency/remembered.ts';
import { route } from '../http/route.ts';

/** `wasm-unsafe-eval` lets onnxruntime compile its WebAssembly; blob: is for pictures that the visitor has chosen. */
const contentSecurityPolicy = pagePolicy({
  'script-src': "'self' 'wasm-unsafe-eval'",
  'img-src': "'self' blob:",
  'worker-src': "'self'",
});

/** Compressed once, when it is first asked for. */
const compress = promisify(gzip);

/** `/` and what its document loads. */
export function pageRoutes(router: Router, { document, assets }: Page): void {
  const compressed = new Map<string, Promise<Uint8Array>>();
  const gzipped = (path: string, { load }: Asset): Promise<Uint8Array> =>
    remembered(compressed, path, async () => compress(await load()));
  route(router, '/', {
    get: (_request, response) => {
      secure(response).type('html').set('Cache-Control', 'no-cache').send(document);
    },
  });
  route(router, '/assets/*path', {
    get: async (request, response) => {
      const asset = assets.get(request.path);
      if (!asset) throw new ServiceError('not-found', { detail: `There is nothing at ${request.path}.` });
      const packed = wantsGzip(request, asset) ? await gzipped(request.path, asset) : undefined;
      const content = packed ?? (asset.file === undefined ? await asset.load() : undefined);
      secure(response).set({
        'Content-Type': asset.type,
        'Cache-Control': 'public, max-age=31536000, immutable',
        // the path tells the content, so that nothing has to be hashed
        ETag: `"${request.path}${packed ? ';gzip' : ''}"`,
        Vary: 'Accept-Encoding',
        ...(packed && { 'Content-Encoding': 'gzip' }),
      });
      if (content) response.send(content);
      else await sendFile(response, asset.file!);
    },
  });
}

/** Streams a file under the headers that are set. @throws Error when it cannot be read */
function sendFile(response: Response, file: string): Promise<void> {
  const options = {
    acceptRanges: false,
    cacheControl: false,
    dotfiles: 'allow',
    lastModified: false,
  } as const;
  return new Promise((resolve, reject) =>
    response.sendFile(file, options, (error?: NodeJS.ErrnoException) => {
      if (!error || error.code === 'ECONNABORTED')
        resolve(); // the client is gone
      else reject(new Error(`${file} cannot be sent`, { cause: error }));
    }),
  );
}

const wantsGzip = (request: Request, { type }: Asset): boolean =>
  !type.startsWith('image/') && request.acceptsEncodings('gzip') === 'gzip';

/** Workers have the policy of their own file. */
const secure = (response: Response): Response =>
  response.set('Content-Security-Policy', contentSecurityPolicy);
