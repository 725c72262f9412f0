// Agents sign their users in and call tools: the official MCP SDK, with Doorward and `templates/mcp-server`.
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { decodeJwt } from 'jose';
import type { Page } from '@playwright/test';
import { Agent, call, metadata } from '../support/agent.ts';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { agents, foreignAgents } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { type Published, publish } from '../support/published-document.ts';
import { expect, test } from '../support/test.ts';

const { tools, callback } = agents;
/** The document about the tools, where RFC 9728 section 3.1 has it. */
const about = new URL('/.well-known/oauth-protected-resource/mcp', tools).href;

let server: Doorward;
let document: Published;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const client = { ...metadata(callback), client_id: agents.document, client_name: 'A documented agent' };
  document = await publish(agents.document, client);
  const env = { DOORWARD_TLS__TRUSTED_CA: document.certificate };
  server = await Doorward.start({ origins: agents, config: agents.config, env });
  stops.push(await serveForeignProvider(foreignAgents, { tools: foreignAgents.tools }));
  for (const { tools, provider } of [agents, foreignAgents]) {
    const env = { ISSUER: provider, RESOURCE: tools, LISTEN: new URL(tools).host };
    stops.push(await startExample('mcp-server', tools, env));
  }
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server?.stop();
  await document?.stop();
});

/** The user signs in at Doorward, and allows what the agent asks for. */
const as = (user: string) => async (page: Page) => {
  await new LoginPage(page).submit(user, user);
  await expect(page.getByText('a program on this computer')).toBeVisible();
  await expect(page.getByText('Your notes')).toBeVisible();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
};

test('an agent discovers the provider, registers, signs its user in and calls a tool', async ({ page }) => {
  const agent = new Agent(tools, callback);
  const client = await agent.connect(page, as('alice'));

  await test.step('it registered, and asked for a token for these tools', () => {
    expect(agent.clientInformation()?.client_id).toMatch(/^registered-/);
    expect(agent.asked?.origin).toBe(agents.provider);
    expect(agent.asked?.searchParams.get('resource')).toBe(tools);
    expect(agent.asked?.searchParams.get('scope')).toBe('notes');
    const claims = decodeJwt(agent.tokens()?.access_token ?? '');
    expect(claims).toMatchObject({ iss: agents.provider, aud: tools, sub: 'alice', scope: 'notes' });
  });

  await test.step('the tools know the user', async () => {
    const { tools: offered } = await client.listTools();
    expect(offered.map(({ name }) => name).toSorted()).toEqual(['add_note', 'count_notes']);
    expect(await call(client, 'add_note', { text: 'milk' })).toBe('The notes of alice: milk');
    expect(await call(client, 'count_notes'), 'alice is an administrator').toMatch(/^[1-9]$/);
  });
  await client.close();
});

test('a tool refuses a user who does not meet its policy', async ({ page }) => {
  const client = await new Agent(tools, callback).connect(page, as('bob'));
  expect(await call(client, 'add_note', { text: 'tea' })).toBe('The notes of bob: tea');
  await expect(call(client, 'count_notes')).rejects.toThrow(/role admin/);
  await client.close();
});

test('an agent is the document at its client_id, and registers nothing', async ({ page }) => {
  const agent = new Agent(tools, callback, agents.document);
  const client = await agent.connect(page, as('carol'));
  expect(agent.clientInformation()?.client_id).toBe(agents.document);
  expect(agent.asked?.searchParams.get('client_id')).toBe(agents.document);
  const claims = decodeJwt(agent.tokens()?.access_token ?? '');
  expect(claims).toMatchObject({ aud: tools, sub: 'carol', client_id: agents.document });
  expect(await call(client, 'add_note', { text: 'bread' })).toBe('The notes of carol: bread');
  await client.close();
});

/** The first message of a connection, as a client without the SDK sends it. */
async function initialize(token?: string): Promise<Response> {
  return fetch(tools, {
    method: 'POST',
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: LATEST_PROTOCOL_VERSION,
        capabilities: {},
        clientInfo: { name: 'mcp.spec', version: '1.0.0' },
      },
    }),
  });
}

/** A token without a user, for the tools at this URL. */
async function tokenFor(resource: string): Promise<string> {
  const answer = await fetch(`${agents.provider}/connect/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('job:secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'notes', resource }),
  });
  const { access_token } = (await answer.json()) as { access_token: string };
  expect(decodeJwt(access_token)).toMatchObject({ aud: resource, scope: 'notes' });
  return access_token;
}

test('without a token, the answer says where the way in is', async () => {
  const answer = await initialize();
  expect(answer.status).toBe(401);
  const challenge = answer.headers.get('www-authenticate') ?? '';
  expect(challenge).toContain(`resource_metadata="${about}"`);
  expect(challenge).toContain('scope="notes"');
  expect(challenge).not.toContain('error=');
  expect(await (await fetch(about)).json()).toMatchObject({
    resource: tools,
    authorization_servers: [agents.provider],
    scopes_supported: ['notes'],
    bearer_methods_supported: ['header'],
  });
});

test('a token for other tools is refused', async () => {
  expect((await initialize(await tokenFor(tools))).status).toBe(200);
  for (const token of [await tokenFor('http://localhost:7899/mcp'), 'made-up']) {
    const answer = await initialize(token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  }
});

test('an agent whose token is refused asks its user again', async () => {
  const agent = new Agent(tools, callback);
  agent.saveTokens({ access_token: await tokenFor('http://localhost:7899/mcp'), token_type: 'Bearer' });
  await agent.refused();
  expect(agent.asked?.origin).toBe(agents.provider);
});

test('the same tools with oidc-provider', async ({ page, context }) => {
  await withoutFonts(context);
  const agent = new Agent(foreignAgents.tools, callback);
  const client = await agent.connect(page, (page) => signInAndConsent(page, 'alice'));
  expect(agent.asked?.origin).toBe(foreignAgents.provider);
  expect(await call(client, 'add_note', { text: 'milk' })).toBe('The notes of alice: milk');
  expect(await call(client, 'count_notes')).toBe('1');
  await client.close();
});
