// Authorization requests made by hand, for the stories in which the application has no part.
import { createHash, randomBytes } from 'node:crypto';
import { callbackPath } from './application.ts';
import { demo, type Origins } from './instances.ts';

/** A valid authorization request of the demo client, with some parameters replaced (or removed, by null). */
export function authorizeUrl(changes: Record<string, string | null> = {}, origins: Origins = demo): string {
  const verifier = randomBytes(32).toString('base64url');
  const parameters: Record<string, string | null> = {
    response_type: 'code',
    client_id: 'PkceJS',
    redirect_uri: origins.app + callbackPath,
    scope: 'openid profile offline_access MyBackendApi2',
    state: randomBytes(16).toString('base64url'),
    nonce: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  const url = new URL('/connect/authorize', origins.provider);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null) url.searchParams.set(name, value);
  }
  return url.href;
}
