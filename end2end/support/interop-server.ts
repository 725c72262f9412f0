// Serves the page of `interop/`, which signs in with oidc-client-ts, on an origin of its own.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { serveFiles } from './static-server.ts';

const folder = resolve(import.meta.dirname, '../interop');
const library = resolve(
  dirname(createRequire(import.meta.url).resolve('oidc-client-ts/package.json')),
  'dist/browser/oidc-client-ts.js',
);

/** What the page is told: settings of oidc-client-ts's `UserManager`, and `bound` for tokens bound to a key. */
export type Settings = Readonly<Record<string, string | boolean>>;

/** Starts the server on the port of `origin`; gives a function that stops it. */
export function serveInterop(origin: string, settings: Settings): Promise<() => Promise<void>> {
  const html = { type: 'text/html; charset=utf-8', body: () => readFile(`${folder}/index.html`) };
  const script = (path: string) => ({ type: 'text/javascript', body: () => readFile(path) });
  return serveFiles(origin, {
    '/': html,
    '/callback': html,
    '/signed-out': html,
    '/page.js': script(`${folder}/page.js`),
    '/oidc-client-ts.js': script(library),
    '/settings.json': { type: 'application/json', body: async () => JSON.stringify(settings) },
  });
}
