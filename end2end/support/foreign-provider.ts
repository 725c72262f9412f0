// A provider that we did not write: oidc-provider, in memory, with one client, which is our application.
import { generateKeyPairSync } from 'node:crypto';
import type { Server } from 'node:http';
import Provider, { type Configuration, type JWK } from 'oidc-provider';
import { callbackPath } from './application.ts';
import type { Origins } from './instances.ts';

/** The API as this provider's tokens name it; the page asks for none, so that it is the one by default. */
const api = { resource: 'urn:api:MyBackendApi2', audience: 'MyBackendApi2', scope: 'MyBackendApi2' };

/** Lifetimes in seconds: that of access tokens is short, so that the page renews them while a test looks on. */
const accessTokenLifetime = 5;
const otherLifetime = 3600;

/** Starts the provider on the port of its origin; gives a function that stops it. */
export async function serveForeignProvider(origins: Origins): Promise<() => Promise<void>> {
  const provider = new Provider(origins.provider, configuration(origins.app));
  const { hostname, port } = new URL(origins.provider);
  const server = await new Promise<Server>((listening, failed) => {
    const server = provider.listen(Number(port), hostname, () => listening(server));
    server.once('error', failed);
  });
  return () =>
    new Promise((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
}

function configuration(app: string): Configuration {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ format: 'jwk' }) as JWK;
  return {
    clients: [
      {
        client_id: 'page',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [app + callbackPath],
        post_logout_redirect_uris: [app + callbackPath],
      },
    ],
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: 'a key of this run' }] },
    cookies: { keys: ['a key for tests'] },
    claims: { profile: ['name', 'role', 'department'] },
    // Whoever can name themselves is in, as an administrator.
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: `${sub} of the foreign provider`, ...admin }),
    }),
    extraTokenClaims: () => admin,
    clientBasedCORS: (_context, origin) => origin === app,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenLifetime,
      Grant: otherLifetime,
      IdToken: otherLifetime,
      Interaction: otherLifetime,
      RefreshToken: otherLifetime,
      Session: otherLifetime,
    },
    features: {
      devInteractions: { enabled: true },
      dPoP: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => api.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: api.audience,
          scope: api.scope,
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessTokenLifetime,
        }),
      },
    },
  };
}

const admin = { role: ['admin'], department: 'Sales' };
