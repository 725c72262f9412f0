// Runs client plans of the suite against an application that uses Doorward's clients, with Chromium
// as the user.
//
//   NODE_TLS_REJECT_UNAUTHORIZED=0 node end2end/conformance/client.mjs APPLICATION PLAN ...
//
// APPLICATION is `page` (doorward serve --role app, at https://localhost:5444) or `server`
// (examples/server-side behind TLS, at https://localhost:5446). AUTH is the method by which the
// client authenticates: none, client_secret_basic or private_key_jwt. FOLDER is the one of
// configure.mjs: it has the keys, and gets pictures of what a person must judge. ONLY is a regular
// expression for the names of modules. RESTART is a command that restarts the application: each
// module is a provider with new keys under the same name, and a server remembers the old ones. It
// finds the module's name in MODULE. The plan for sign-ins that others begin knows registered clients
// only: this program registers the application, as its operator would, and RESTART finds what the
// suite gave it in CLIENT_ID and CLIENT_SECRET. The plans of FAPI 2.0 are for `server` with
// private_key_jwt; JARM=1 is for the plan of Message Signing, and for the application as well.
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import { chromium } from 'playwright-core';

import * as suite from './suite.mjs';

const applications = {
  page: {
    client_id: 'page',
    origin: 'https://localhost:5444',
    start: '/OpenId/Login/JS',
    redirect: '/OpenId/Login/JS',
    afterSignOut: '/OpenId/Login/JS',
    begins: '/initiate-login',
  },
  server: {
    client_id: 'server',
    origin: 'https://localhost:5446',
    start: '/signin',
    redirect: '/signin-oidc',
    afterSignOut: '/signout-callback-oidc',
    begins: '/signin',
  },
};

const [kind, ...plans] = process.argv.slice(2);
const application = applications[kind];
const method = process.env.AUTH ?? 'none';
const only = new RegExp(process.env.ONLY ?? '');
const { origin } = application;

const client = {
  client_id: application.client_id,
  client_name: application.client_id,
  redirect_uri: origin + application.redirect,
  post_logout_redirect_uri: origin + application.afterSignOut,
  initiate_login_uri: origin + application.begins,
};
// The suite wants one of them of every client that signs out.
client.frontchannel_logout_uri = `${origin}/frontchannel-logout`;
if (kind === 'server') client.backchannel_logout_uri = `${origin}/backchannel-logout`;
if (method === 'client_secret_basic') client.client_secret = 'secret-of-the-suite-number-1-012';
if (method === 'private_key_jwt') {
  const keys = JSON.parse(fs.readFileSync(`${process.env.FOLDER}/keys.json`, 'utf8'));
  const { kty, crv, x, y, alg, kid } = keys.key1;
  client.jwks = { keys: [{ kty, crv, x, y, alg, kid, use: 'sig' }] };
}
const alias = 'doorward-rp';
const issuer = `${suite.address}/test/a/${alias}/`;
const config = { alias, description: 'Doorward', waitTimeoutSeconds: 3, client };
const variant = {
  client_auth_type: method,
  // Of FAPI 2.0. Doorward's clients sign no requests, and have no certificates.
  sender_constrain: 'dpop',
  fapi_profile: 'plain_fapi',
  fapi_client_type: 'oidc',
  authorization_request_type: 'simple',
  fapi_request_method: 'unsigned',
  fapi_response_mode: process.env.JARM === '1' ? 'jarm' : 'plain_response',
  response_type: 'code',
  response_mode: 'default',
  request_type: 'plain_http_request',
  client_registration: 'static_client',
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
for (const plan of plans) await runPlan(plan);
await browser.close();

/** Whether a plan or a module is about sign-ins that others begin (OIDC Core section 4). */
function begunByOthers(name) {
  return /3rd-party/.test(name);
}

/** Registers the application at the suite. Gives the variables that tell it who it is. */
async function registered() {
  const metadata = await (await fetch(`${issuer}.well-known/openid-configuration`)).json();
  const answer = await fetch(metadata.registration_endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: client.client_name,
      redirect_uris: [client.redirect_uri],
      initiate_login_uri: client.initiate_login_uri,
      token_endpoint_auth_method: method,
      ...(client.jwks && { jwks: client.jwks }),
    }),
  });
  const { client_id, client_secret } = await answer.json();
  return { CLIENT_ID: client_id, ...(client_secret && { CLIENT_SECRET: client_secret }) };
}

/** A plan takes the parts of the variant that it knows. */
async function planned(plan) {
  const available = await (await fetch(`${suite.address}/api/plan/available`)).json();
  const known = available.find((own) => own.planName === plan).variants;
  const taken = Object.entries(variant).filter(([name]) => name in known);
  // A client of FAPI 2.0 says beforehand what it asks for: SCOPE, as the application has it.
  const scope = process.env.SCOPE ?? 'openid profile offline_access';
  const own = plan.startsWith('fapi2-') ? { ...config, client: { ...client, scope } } : config;
  const chosen = Object.fromEntries(taken);
  if (begunByOthers(plan)) chosen.client_registration = 'dynamic_client';
  return suite.newPlan(plan, chosen, own);
}

async function runPlan(plan) {
  const { id, modules } = await planned(plan);
  const tally = {};
  for (const module of modules.filter((module) => only.test(module.testModule))) {
    const result = await runModule(id, module).catch((error) => `NOT RUN: ${error.message.slice(0, 120)}`);
    tally[result] = (tally[result] ?? 0) + 1;
  }
  const counts = Object.entries(tally).map(([result, count]) => `${count} ${result}`);
  console.log(`${plan} ${kind} ${method}: ${counts.join(', ')}`);
}

function isSignedIn(page) {
  const button = page.getByRole('button', { name: /sign out/i }).first();
  return button.isVisible().catch(() => false);
}

async function waitFor(what, times = 40) {
  for (let time = 0; time < times; time += 1) {
    if (await what()) return true;
    await suite.sleep(200);
  }
  return false;
}

async function runModule(plan, module) {
  const name = module.testModule;
  const restart = (more) => {
    const env = { ...process.env, MODULE: name, ...more };
    if (process.env.RESTART) execSync(process.env.RESTART, { stdio: 'ignore', env });
  };
  if (!begunByOthers(name)) restart();
  const id = await suite.newModule(plan, module);
  let info;
  await waitFor(async () => {
    info = await suite.info(id);
    if (info.status === 'CONFIGURED') await suite.start(id).catch(() => {});
    return info.status === 'WAITING' || suite.hasEnded(info);
  }, 100);
  if (begunByOthers(name)) restart(await registered());
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await signIn(page, name, id);
  const told = await waitFor(async () => (await isSignedIn(page)) || (await problem(page)) !== '');
  const says = told && (await isSignedIn(page)) ? 'signed in' : `not signed in: ${await problem(page)}`;
  if (says === 'signed in') await afterwards(page, name, id);
  await waitFor(async () => suite.hasEnded((info = await suite.info(id))), 60);
  const log = await suite.log(id);
  const result = suite.resultOf(info);
  if (result === 'REVIEW' && process.env.FOLDER) {
    await page.screenshot({ path: `${process.env.FOLDER}/pictures/${kind}-${name}.png` });
  }
  console.log(`${result.padEnd(10)} ${name} | ${says} | ${id}`);
  for (const line of suite.complaints(log)) console.log(line);
  if (!suite.hasEnded(info)) await suite.cancel(id);
  await context.close();
  return result;
}

async function signIn(page, name, id) {
  if (begunByOthers(name)) {
    const asked = async () => (await suite.browser(id)).urls[0];
    await waitFor(async () => (await asked()) !== undefined);
    const url = await asked();
    await suite.visited(id, url);
    await page.goto(url, { waitUntil: 'load' }).catch(() => {});
    return;
  }
  // The module ends when the keys were asked for, and takes no request after that.
  if (/discovery-jwks-uri-keys/.test(name)) await page.route(/\/userinfo$/, (route) => route.abort());
  // The module ends when the document was asked for, and takes no request after that.
  if (/discovery-openid-config/.test(name)) {
    await page.route(/\/authorize\?/, (route) => route.abort());
    if (kind === 'server') {
      await page.request.get(origin + application.start, { maxRedirects: 0 });
      return;
    }
  }
  await page.goto(origin + application.start, { waitUntil: 'load' }).catch(() => {});
  if (kind !== 'page') return;
  const button = page.getByRole('button', { name: /sign in/i }).first();
  await page
    .locator('[data-hydrated]')
    .first()
    .waitFor({ timeout: 8000 })
    .catch(() => {});
  await button.click({ timeout: 8000 }).catch(() => {});
}

/** What the application tells its user about a sign-in that failed. */
async function problem(page) {
  if (!page.url().startsWith(origin)) return '';
  const places = kind === 'page' ? '[role=alert]:visible' : 'body';
  const texts = await page
    .locator(places)
    .allInnerTexts()
    .catch(() => []);
  return texts.join(' ').replace(/\s+/g, ' ').slice(0, 200);
}

/** What the user does after signing in, where a module waits for it. */
async function afterwards(page, name, id) {
  // A module ends when its resource was called.
  if (/^fapi2-/.test(name)) {
    await page.goto(`${origin}/call`).catch(() => {});
    return;
  }
  if (/refresh/.test(name)) {
    if (kind === 'page')
      await page
        .getByRole('button', { name: /renew/i })
        .first()
        .click()
        .catch(() => {});
    else {
      // The token's lifetime is four seconds. A server renews it at the first use after half of it.
      await suite.sleep(2500);
      // Where that is refused and the token is over, it asks for a new sign-in. The module takes none.
      await page.request.get(`${origin}/call`, { maxRedirects: 0 });
    }
    return;
  }
  if (/opinitlogout/.test(name)) {
    await waitFor(async () => (await suite.browser(id)).urls.length > 0);
    for (const url of (await suite.browser(id)).urls) {
      await suite.visited(id, url);
      await page.goto(url).catch(() => {});
    }
    return;
  }
  if (/key-rotation$/.test(name)) {
    await page
      .getByRole('button', { name: /sign out/i })
      .first()
      .click();
    await waitFor(async () => !(await isSignedIn(page)) && page.url().startsWith(origin));
    await signIn(page, name, id);
    await waitFor(() => isSignedIn(page));
    return;
  }
  if (/session-management/.test(name)) await suite.sleep(3000);
  if (/logout|session-management/.test(name)) {
    await page
      .getByRole('button', { name: /sign out/i })
      .first()
      .click()
      .catch(() => {});
    await waitFor(async () => page.url().startsWith(origin) && !(await isSignedIn(page)), 60);
  }
}
