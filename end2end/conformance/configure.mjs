// Prepares a folder for the suite: the configuration of docs/conformance.md with fresh keys, as
// doorward.toml, and the private keys for the suite, as keys.json. The key of the client key1 is also
// that of the client whose plans are run, as client.pem. In an earlier folder, the keys stay.
//
//   node end2end/conformance/configure.mjs FOLDER
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importJWK } from 'jose';
import fs from 'node:fs';
import path from 'node:path';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node end2end/conformance/configure.mjs FOLDER');
  process.exit(2);
}
fs.mkdirSync(folder, { recursive: true });
const keyFile = path.join(folder, 'keys.json');
const keys = fs.existsSync(keyFile) ? JSON.parse(fs.readFileSync(keyFile, 'utf8')) : {};

const page = fs.readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
const example = page.split('```toml\n')[1].split('```')[0];

/** FAPI 2.0 allows PS256, ES256 and EdDSA; the suite makes its RS256 attempts from RSA keys only. */
const algorithmOf = (client) => (client.startsWith('key') ? 'ES256' : 'PS256');

async function privateKeyOf(client) {
  if (keys[client] === undefined) {
    const alg = algorithmOf(client);
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(privateKey);
    keys[client] = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
  }
  return keys[client];
}

const lines = [];
let client;
for (const line of example.split('\n')) {
  client = /^client_id = "(.*)"/.exec(line)?.[1] ?? client;
  if (!line.startsWith('jwks = ')) {
    lines.push(line);
    continue;
  }
  const { kty, alg, kid, n, e, crv, x, y } = await privateKeyOf(client);
  const members = Object.entries({ kty, alg, kid, n, e, crv, x, y })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  lines.push(`jwks = { keys = [{ ${members.join(', ')} }] }`);
}
fs.writeFileSync(path.join(folder, 'doorward.toml'), lines.join('\n'));
fs.writeFileSync(keyFile, JSON.stringify(keys, undefined, 2), { mode: 0o600 });
const clientKey = await importJWK(keys.key1, 'ES256', { extractable: true });
fs.writeFileSync(path.join(folder, 'client.pem'), await exportPKCS8(clientKey), { mode: 0o600 });
