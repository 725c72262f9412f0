// A provider that we did not write: oidc-provider, in memory, with our application as its only client unless told
// otherwise.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { BrowserContext, Page } from '@playwright/test';
import Provider, { type ClientMetadata, type Configuration, type JWK } from 'oidc-provider';
import { callbackPath } from './application.ts';
import type { Origins } from './instances.ts';

/** The API as this provider's tokens name it; the page asks for none, so that it is the one by default. */
const api = { resource: 'urn:api:MyBackendApi2', audience: 'MyBackendApi2', scope: 'MyBackendApi2' };

/** Lifetimes in seconds: that of access tokens is short, so that the page renews them while a test looks on. */
const accessTokenLifetime = 10;
const otherLifetime = 3600;

/** What ID tokens are signed by: for `page` the first, and for the client named after it each. */
export const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

/** What differs from the provider of our application. */
export interface ForeignOptions {
  readonly clients?: ClientMetadata[];
  /** The origin whose pages may read the provider's answers: the application's, by default. */
  readonly page?: string;
  /** The URL of tools for agents, which register themselves. */
  readonly tools?: string;
  /** Whether it vouches for the address of this user, which is `sub@example.com`; by default it tells no addresses. */
  readonly vouchesFor?: (sub: string) => boolean;
  /** Whether its pages keep out of the reach of whoever opened them (Cross-Origin-Opener-Policy). */
  readonly cutsOpenerOff?: boolean;
  /** Whether its token endpoint is down at the moment: it answers as a proxy before it would. */
  readonly tokensAreDown?: () => boolean;
}

/** Starts the provider on the port of its origin; gives a function that stops it. */
export async function serveForeignProvider(
  origins: Origins,
  options: ForeignOptions = {},
): Promise<() => Promise<void>> {
  const { page = origins.app, clients = clientsOf(page), tools, cutsOpenerOff, tokensAreDown } = options;
  const settings = configuration(page, clients, tools, options.vouchesFor);
  const provider = new Provider(origins.provider, settings);
  if (cutsOpenerOff) {
    provider.use(async (context, next) => {
      context.set('Cross-Origin-Opener-Policy', 'same-origin');
      await next();
    });
  }
  if (tokensAreDown) {
    provider.use(async (context, next) => {
      if (context.path !== '/token' || !tokensAreDown()) return next();
      context.status = 502;
      context.type = 'html';
      context.body = '<h1>Bad gateway</h1>';
    });
  }
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

function configuration(
  page: string,
  clients: ClientMetadata[],
  tools?: string,
  vouchesFor?: (sub: string) => boolean,
): Configuration {
  const address = (sub: string) =>
    vouchesFor ? { email: `${sub}@example.com`, email_verified: vouchesFor(sub) } : {};
  return {
    clients,
    ...(tools ? { scopes: ['openid', 'offline_access', 'notes'] } : {}),
    jwks: { keys: newKeys() },
    enabledJWA: { idTokenSigningAlgValues: [...algorithms] },
    cookies: { keys: ['a key for tests'] },
    claims: {
      profile: ['name', 'role', 'department'],
      ...(vouchesFor ? { email: ['email', 'email_verified'] } : {}),
    },
    // Whoever can name themselves is in, as an administrator.
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: `${sub} of the foreign provider`, ...admin, ...address(sub) }),
    }),
    extraTokenClaims: () => admin,
    clientBasedCORS: (_context, origin) => origin === page,
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
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      pushedAuthorizationRequests: { enabled: true },
      registration: { enabled: tools !== undefined },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => api.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          ...(resource === tools
            ? { audience: resource, scope: 'notes' }
            : { audience: api.audience, scope: api.scope }),
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessTokenLifetime,
        }),
      },
    },
  };
}

/** Our application, and once more for each algorithm of ID tokens. */
function clientsOf(app: string): ClientMetadata[] {
  return [client(app, 'page', 'RS256'), ...algorithms.map((algorithm) => client(app, algorithm, algorithm))];
}

/** The application as the client of this name, with ID tokens that are signed by this algorithm. */
function client(app: string, client_id: string, algorithm: (typeof algorithms)[number]): ClientMetadata {
  return {
    client_id,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [app + callbackPath],
    post_logout_redirect_uris: [app + callbackPath],
    id_token_signed_response_alg: algorithm,
  };
}

/** A key of each kind, without `alg`: the RSA key serves two algorithms. */
function newKeys(): JWK[] {
  const pairs = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ed25519'),
  ];
  return pairs.map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig' }) as JWK);
}

const admin = { role: ['admin'], department: 'Sales' };

/** Its pages ask for a font in the internet, which a test must not. */
export async function withoutFonts(context: BrowserContext): Promise<void> {
  await context.route('https://fonts.googleapis.com/**', (route) =>
    route.fulfill({ contentType: 'text/css' }),
  );
}

/** Goes through the pages that oidc-provider brings for trying it out. */
export async function signInAndConsent(page: Page, user: string): Promise<void> {
  await page.locator('input[name=login]').fill(user);
  await page.locator('input[name=password]').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}
