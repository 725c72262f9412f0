// Serves a few files on an origin of their own.
import { createServer } from 'node:http';

/** What stands under a path. */
export interface Served {
  readonly type: string;
  readonly body: () => Promise<string | Buffer>;
}

/** Starts the server on the port of `origin`; gives a function that stops it. */
export async function serveFiles(
  origin: string,
  files: Readonly<Record<string, Served>>,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const file = files[new URL(request.url ?? '/', origin).pathname];
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    file.body().then(
      (body) => response.writeHead(200, { 'content-type': file.type }).end(body),
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
