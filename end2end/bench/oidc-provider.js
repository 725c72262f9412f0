// The provider that script/bench compares Doorward with: oidc-provider with everything in memory, without bounds.
//
//   node oidc-provider.js PORT ALGORITHM REFRESH_TOKENS
//
// Prints one line of JSON when it listens: refresh tokens of as many grants, and an access token for userinfo. The grants are written
// to the store directly, so that nobody has to sign in.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, algorithm, refreshTokens] = process.argv.slice(2);
const api = 'urn:api:Bench';
const clientId = 'Bench';
const scope = 'openid profile email offline_access Bench';
const hour = 3600;
const user = { name: 'alice', email: 'alice@example.com', role: ['admin'], department: 'Sales' };

/** What the example of oidc-provider's own documentation does, and no more: nothing is forgotten. */
class Memory {
  static entries = new Map();

  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    Memory.entries.set(this.key(id), payload);
  }

  async find(id) {
    return Memory.entries.get(this.key(id));
  }

  async consume(id) {
    Memory.entries.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    Memory.entries.delete(this.key(id));
  }

  async revokeByGrantId() {}
}

const keys = [
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
].map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), use: 'sig' }));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Memory,
  clients: [
    {
      client_id: clientId,
      client_secret: 'secret',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://app.example/callback'],
      id_token_signed_response_alg: algorithm,
    },
  ],
  jwks: { keys },
  claims: { profile: ['name', 'role', 'department'], email: ['email'] },
  conformIdTokenClaims: false,
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...user }) }),
  extraTokenClaims: () => ({ role: user.role, department: user.department, email: user.email }),
  rotateRefreshToken: true,
  ttl: { AccessToken: hour, Grant: 10 * hour, IdToken: hour, RefreshToken: 10 * hour },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience: 'Bench',
        scope: 'Bench',
        accessTokenFormat: 'jwt',
        accessTokenTTL: hour,
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
});

async function main() {
  const client = await provider.Client.find(clientId);
  const granted = async () => {
    const grant = new provider.Grant({ accountId: 'alice', clientId });
    grant.addOIDCScope('openid profile email offline_access');
    grant.addResourceScope(api, 'Bench');
    return grant.save();
  };
  const about = async () => ({
    accountId: 'alice',
    client,
    grantId: await granted(),
    gty: 'authorization_code',
    scope,
  });
  const signIn = { authTime: Math.floor(Date.now() / 1000), amr: ['pwd'], resource: api };
  const tokens = [];
  while (tokens.length < Number(refreshTokens)) {
    tokens.push(await new provider.RefreshToken({ ...(await about()), ...signIn }).save());
  }
  const accessToken = await new provider.AccessToken({
    ...(await about()),
    scope: 'openid profile email',
  }).save();
  provider.listen(Number(port), '127.0.0.1', () => {
    console.log(JSON.stringify({ refresh_tokens: tokens, access_token: accessToken }));
  });
}

await main();
