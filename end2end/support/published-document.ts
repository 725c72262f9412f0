// Serves a document by https on this machine, with a certificate made for it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Published {
  /** A PEM file with the certificate, for those who must trust it. */
  readonly certificate: string;
  readonly stop: () => Promise<void>;
}

/** Serves a JSON document at this URL, whose host is `localhost`. */
export async function publish(url: string, document: unknown): Promise<Published> {
  const folder = mkdtempSync(join(tmpdir(), 'doorward-document-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  );
  const { hostname, port, pathname } = new URL(url);
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    (request, response) => {
      if (request.url !== pathname) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    },
  );
  await new Promise<void>((listening, failed) => {
    server.once('error', failed).listen(Number(port), hostname, listening);
  });
  const stop = async () => {
    await new Promise((closed) => server.close(closed));
    rmSync(folder, { recursive: true, force: true });
  };
  return { certificate, stop };
}
