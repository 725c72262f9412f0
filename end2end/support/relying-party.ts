// A client made with openid-client, which we did not write, and the sign-ins that it begins.
import * as oidc from 'openid-client';
import { openidClient } from './instances.ts';

/** Where the web application of `config/openid-client.toml` is sent back to. */
export const callback = `${openidClient.client}/callback`;

/** The secret of the web application of `config/openid-client.toml`. */
export const webSecret = 'a secret: with=all+that %-encoding is for';

/** Sets up a client from the provider's discovery document. It verifies the signature of each ID token. */
export function discover(
  clientId: string,
  authentication: oidc.ClientAuth,
  metadata: Partial<oidc.ClientMetadata> = {},
): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(openidClient.provider), clientId, metadata, authentication, {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  });
}

/** One authorization request, and what its response is checked against. */
export interface SignIn {
  readonly parameters: Record<string, string>;
  readonly checks: oidc.AuthorizationCodeGrantChecks & { expectedState: string };
}

/** An authorization request with PKCE, state and nonce, and with these parameters beside them. */
export async function newSignIn(parameters: Record<string, string>): Promise<SignIn> {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const expectedState = oidc.randomState();
  const expectedNonce = oidc.randomNonce();
  return {
    parameters: {
      redirect_uri: callback,
      scope: 'openid',
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...parameters,
    },
    checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true },
  };
}
