// The plans of the suite that are run against the provider, and the clients that each of them uses.

const issuer = 'https://localhost:6443';
/** Where the provider describes itself. */
export const discovery = `${issuer}/.well-known/openid-configuration`;
/** What an access token without OpenID Connect opens. */
const api = 'https://localhost:6444/api/DemoPolicyBased/Everyone/Get';
const secrets = ['secret-of-the-suite-number-1-012', 'secret-of-the-suite-number-2-012'];

const withSecret = (client_id, number) => ({
  client_id,
  client_secret: secrets[number - 1],
});
const shared = {
  alias: 'doorward',
  description: 'Doorward',
  publish: 'no',
  server: {
    discoveryUrl: discovery,
    login_hint: 'foo',
  },
  resource: { resourceUrl: `${issuer}/connect/userinfo` },
};

/** The configuration of a plan whose clients have secrets. */
const secret = (client) => () => ({
  ...shared,
  client: withSecret(client, 1),
  client2: withSecret('basic2', 2),
  client_secret_post: withSecret(client, 1),
});

/** The configuration of a plan whose clients have keys. */
const signing = (client, scope) => (keys) => {
  const one = (number) => ({
    client_id: `${client}${number}`,
    scope,
    jwks: { keys: [keys[`${client}${number}`]] },
  });
  return { ...shared, client: one(1), client2: one(2), client_secret_post: withSecret('basic1', 1) };
};

/** The same without OpenID Connect: what such tokens are for is an API. */
const oauth = (client, scope) => (keys) => ({
  ...signing(client, scope)(keys),
  resource: { resourceUrl: api },
});

/** The configuration of a plan that registers its clients. */
const registering = () => ({
  ...shared,
  client: { client_name: 'Suite' },
  client2: { client_name: 'Suite 2' },
});

const statically = { client_registration: 'static_client' };
const basic = { server_metadata: 'discovery', ...statically };
const logout = { response_type: 'code', ...statically };
const fapi = {
  openid: 'openid_connect',
  client_auth_type: 'private_key_jwt',
  sender_constrain: 'dpop',
  fapi_profile: 'plain_fapi',
  authorization_request_type: 'simple',
};

const messageSigning = {
  ...fapi,
  fapi_request_method: 'signed_non_repudiation',
  fapi_response_mode: 'jarm',
};

/** By a short name: the suite's name of the plan, its variant and its configuration. */
export const plans = {
  config: ['oidcc-config-certification-test-plan', {}, secret('basic1')],
  basic: ['oidcc-basic-certification-test-plan', basic, secret('basic1')],
  form_post: ['oidcc-formpost-basic-certification-test-plan', basic, secret('basic1')],
  comprehensive: [
    'oidcc-test-plan',
    {
      client_auth_type: 'private_key_jwt',
      response_type: 'code',
      response_mode: 'default',
      ...statically,
    },
    signing('key', 'openid'),
  ],
  rp_initiated: ['oidcc-rp-initiated-logout-certification-test-plan', logout, secret('basic1')],
  session: ['oidcc-session-management-certification-test-plan', logout, secret('basic1')],
  front_channel: ['oidcc-frontchannel-rp-initiated-logout-certification-test-plan', logout, secret('front1')],
  back_channel: ['oidcc-backchannel-rp-initiated-logout-certification-test-plan', logout, secret('back1')],
  third_party: ['oidcc-3rdparty-init-login-certification-test-plan', { response_type: 'code' }, registering],
  dynamic: ['oidcc-dynamic-certification-test-plan', { response_type: 'code' }, registering],
  fapi2: ['fapi2-security-profile-final-test-plan', fapi, signing('fapi', 'openid profile offline_access')],
  fapi2_oauth: [
    'fapi2-security-profile-final-test-plan',
    { ...fapi, openid: 'plain_oauth' },
    oauth('fapi', 'my-api offline_access'),
  ],
  fapi2_machine: [
    'fapi2-security-profile-final-test-plan',
    { ...fapi, openid: 'plain_oauth', fapi_profile: 'fapi_client_credentials_grant' },
    oauth('machine', 'my-api'),
  ],
  message_signing: [
    'fapi2-message-signing-final-test-plan',
    messageSigning,
    signing('message', 'openid profile offline_access'),
  ],
  message_signing_oauth: [
    'fapi2-message-signing-final-test-plan',
    { ...messageSigning, openid: 'plain_oauth' },
    oauth('message', 'my-api offline_access'),
  ],
};
