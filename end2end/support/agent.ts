// An agent of the official MCP SDK: its memory, and what its user does in the browser.
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { expect, type Page } from '@playwright/test';

/** What an agent says about itself. */
export function metadata(callback: string): OAuthClientMetadata {
  return {
    client_name: 'An agent',
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
}

export class Agent implements OAuthClientProvider {
  readonly clientMetadata: OAuthClientMetadata;
  readonly clientMetadataUrl?: string;
  /** Where the user was sent. */
  asked: URL | undefined;
  private information: OAuthClientInformationMixed | undefined;
  private granted: OAuthTokens | undefined;
  private verifier = '';

  /** An agent that registers, or that is the document at this URL. */
  constructor(
    private readonly tools: string,
    readonly redirectUrl: string,
    document?: string,
  ) {
    this.clientMetadata = metadata(redirectUrl);
    if (document) this.clientMetadataUrl = document;
  }

  state = () => 'the state of the agent';
  clientInformation = () => this.information;
  saveClientInformation = (information: OAuthClientInformationMixed) => {
    this.information = information;
  };
  tokens = () => this.granted;
  saveTokens = (tokens: OAuthTokens) => {
    this.granted = tokens;
  };
  redirectToAuthorization = (url: URL) => {
    this.asked = url;
  };
  saveCodeVerifier = (verifier: string) => {
    this.verifier = verifier;
  };
  codeVerifier = () => this.verifier;

  /** Connects to the tools, whose refusal leads the user to the provider. */
  async connect(page: Page, signIn: (page: Page) => Promise<void>): Promise<Client> {
    const refused = await this.refused();
    await refused.finishAuth(await this.ask(page, signIn));
    const client = newClient();
    await client.connect(this.transport());
    return client;
  }

  /** Calls the tools, which refuse; gives the connection that waits for the user. */
  async refused(): Promise<StreamableHTTPClientTransport> {
    const transport = this.transport();
    await expect(newClient().connect(transport)).rejects.toBeInstanceOf(UnauthorizedError);
    return transport;
  }

  private transport(): StreamableHTTPClientTransport {
    return new StreamableHTTPClientTransport(new URL(this.tools), { authProvider: this });
  }

  /** The user signs in and allows what the agent asks for; the code comes back to the agent. */
  private async ask(page: Page, signIn: (page: Page) => Promise<void>): Promise<string> {
    const back = page.waitForRequest((request) => request.url().startsWith(this.redirectUrl));
    await page.route(`${this.redirectUrl}*`, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<link rel="icon" href="data:,">Back' }),
    );
    await page.goto(this.asked?.href ?? '');
    await signIn(page);
    const answer = new URL((await back).url()).searchParams;
    expect(answer.get('state')).toBe(this.state());
    return answer.get('code') ?? '';
  }
}

function newClient(): Client {
  return new Client({ name: 'mcp.spec', version: '1.0.0' });
}

/** The text that a tool answers with. */
export async function call(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const result = await client.callTool({ name, arguments: args });
  const [content] = result.content as { text: string }[];
  return content?.text ?? '';
}
