// Applications with a server of their own, made with openid-client, which we did not write.
import type { Page } from '@playwright/test';
import * as oidc from 'openid-client';
import type { Origins } from './instances.ts';
import { LoginPage } from './login-page.ts';
import { Receiver } from './receiver.ts';

/** What a token request brings. */
export type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

/** One authorization request, and what its response is checked against. */
export interface SignIn {
  readonly parameters: Record<string, string>;
  readonly checks: oidc.AuthorizationCodeGrantChecks;
}

/** Where the application's own server is reached, beside the servers of ours. */
export type Parties = Origins & { readonly client: string };

/** The server of an application: it sends browsers to the provider and takes what comes back. */
export class RelyingParty {
  private constructor(
    private readonly parties: Parties,
    private readonly receiver: Receiver,
  ) {}

  static async start(parties: Parties): Promise<RelyingParty> {
    return new RelyingParty(parties, await Receiver.start(parties.client));
  }

  stop(): Promise<void> {
    return this.receiver.stop();
  }

  /** Sets up a client from the provider's discovery document. It verifies the signature of each ID token. */
  discover(
    clientId: string,
    authentication: oidc.ClientAuth,
    metadata: Partial<oidc.ClientMetadata> = {},
  ): Promise<oidc.Configuration> {
    return oidc.discovery(new URL(this.parties.provider), clientId, metadata, authentication, {
      execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
    });
  }

  /** An authorization request with PKCE, state and nonce, and with these parameters beside them. */
  async newSignIn(parameters: Record<string, string> = {}): Promise<SignIn> {
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const expectedState = oidc.randomState();
    const expectedNonce = oidc.randomNonce();
    return {
      parameters: {
        redirect_uri: `${this.parties.client}/callback`,
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

  /** The next request to a path, `/callback` by default. */
  next(path = '/callback'): Promise<Request> {
    return this.receiver.next(path);
  }

  /** Signs Alice in at the login page and redeems the code. */
  async signIn(
    page: Page,
    client: oidc.Configuration,
    parameters: Record<string, string> = {},
    options: oidc.DPoPOptions = {},
  ): Promise<Tokens> {
    const signIn = await this.newSignIn(parameters);
    await page.goto(oidc.buildAuthorizationUrl(client, signIn.parameters).href);
    await new LoginPage(page).submit('alice', 'alice');
    return oidc.authorizationCodeGrant(client, await this.next(), signIn.checks, undefined, options);
  }
}

/** The refresh token, which must be there. */
export function refreshTokenOf(tokens: Tokens): string {
  if (!tokens.refresh_token) throw new Error('there is no refresh token');
  return tokens.refresh_token;
}
