import type { Router } from 'express';
import { sendContent } from '../http/content.ts';
import type { Documentation } from '../documentation/build.ts';
import { pagePolicy } from '../page/policy.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';

/** data: has the icons of swagger-ui's style. */
const contentSecurityPolicy = pagePolicy({ 'img-src': "'self' data:" });

/** `/openapi.yaml`, and `/docs`, which draws it; what the page loads is among the assets of `/`. */
export function documentationRoutes(router: Router, { contract, document }: Documentation): void {
  route(router, '/openapi.yaml', {
    get: (request, response) => {
      parseQuery(noQuery, request);
      const type = 'application/yaml'; // RFC 9512
      sendContent(request, response, { bytes: contract, type, cacheControl: 'no-cache' });
    },
  });
  route(router, '/docs', {
    get: (_request, response) => {
      response.set({ 'Content-Security-Policy': contentSecurityPolicy, 'Cache-Control': 'no-cache' });
      response.type('html').send(document);
    },
  });
}
