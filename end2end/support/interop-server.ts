// Serves the page of `interop/`, which signs in with oidc-client-ts, on an origin of its own.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../interop');
const library = resolve(
  dirname(createRequire(import.meta.url).resolve('oidc-client-ts/package.json')),
  'dist/browser/oidc-client-ts.js',
);

/** What the page is told: settings of oidc-client-ts's `UserManager`, and `bound` for tokens bound to a key. */
export type Settings = Readonly<Record<string, string | boolean>>;

/** Starts the server on the port of `origin`; gives a function that stops it. */
export async function serveInterop(origin: string, settings: Settings): Promise<() => Promise<void>> {
  const html = async () => ({
    type: 'text/html; charset=utf-8',
    body: await readFile(`${folder}/index.html`),
  });
  const script = (path: string) => async () => ({ type: 'text/javascript', body: await readFile(path) });
  const answers: Record<string, () => Promise<{ type: string; body: string | Buffer }>> = {
    '/': html,
    '/callback': html,
    '/signed-out': html,
    '/page.js': script(`${folder}/page.js`),
    '/oidc-client-ts.js': script(library),
    '/settings.json': async () => ({ type: 'application/json', body: JSON.stringify(settings) }),
  };
  const server = createServer((request, response) => {
    const answer = answers[new URL(request.url ?? '/', origin).pathname];
    if (!answer) {
      response.writeHead(404).end();
      return;
    }
    answer().then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  const { hostname, port } = new URL(origin);
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(Number(port), hostname, listening);
  });
  return () =>
    new Promise((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
}
