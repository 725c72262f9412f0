// Runs plans of the suite against the provider, with Chromium as the user `foo`.
//
//   NODE_TLS_REJECT_UNAUTHORIZED=0 node end2end/conformance/provider.mjs FOLDER [PLAN ...]
//
// FOLDER is the one of configure.mjs. It gets pictures of the pages that the suite asks a person to
// review. Without a PLAN (a short name of plans.mjs), all of them run. ONLY is a regular expression
// for the names of modules. ROTATE is a command that makes a new signing key, for the module that
// waits for one.
import { execSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

import { discovery, plans } from './plans.mjs';
import * as suite from './suite.mjs';

const USER = 'foo';
const PASSWORD = process.env.PASSWORD ?? 'Correct-horse-9';
const LIMIT = Number(process.env.LIMIT ?? 100) * 1000;

const [folder, ...wanted] = process.argv.slice(2);
const keys = JSON.parse(fs.readFileSync(path.join(folder, 'keys.json'), 'utf8'));
const only = new RegExp(process.env.ONLY ?? '');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
let failed = false;
for (const name of wanted.length > 0 ? wanted : Object.keys(plans)) await runPlan(name);
await browser.close();
process.exit(failed ? 1 : 0);

async function runPlan(name) {
  const [plan, variant, config] = plans[name];
  const { id, modules } = await suite.newPlan(plan, variant, config(keys));
  const tally = {};
  for (const module of modules.filter((module) => only.test(module.testModule))) {
    const result = await runModule(name, id, module);
    tally[result] = (tally[result] ?? 0) + 1;
    failed ||= !['PASSED', 'REVIEW', 'SKIPPED', 'WARNING'].includes(result);
  }
  const counts = Object.entries(tally).map(([result, count]) => `${count} ${result}`);
  console.log(`${plan}: ${counts.join(', ')}`);
}

async function runModule(plan, planId, module) {
  const name = module.testModule;
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 900, height: 700 },
  });
  const id = await suite.newModule(planId, module);
  const deadline = Date.now() + LIMIT;
  const run = { plan, id, name, visits: 0, pages: [] };
  let info = await suite.info(id);
  let started = false;
  while (!suite.hasEnded(info) && Date.now() < deadline) {
    if (info.status === 'CONFIGURED' && !started) {
      started = true;
      if (/rotate-keys/.test(name)) await rotate();
      await suite.start(id);
    }
    if (info.status === 'WAITING') await visit(run, context);
    await suite.sleep(150);
    info = await suite.info(id);
  }
  const result = suite.resultOf(info);
  console.log(`${result.padEnd(10)} ${name} ${JSON.stringify(module.variant ?? {})} ${id}`);
  for (const line of suite.complaints(await suite.log(id))) console.log(line);
  if (!suite.hasEnded(info)) await suite.cancel(id);
  await context.close();
  return result;
}

/** Makes a new key, and waits until the provider publishes it: a running server looks once a minute. */
async function rotate() {
  if (process.env.ROTATE === undefined) return;
  const metadata = await (await fetch(discovery)).json();
  const published = async () => (await fetch(metadata.jwks_uri)).text();
  const before = await published();
  execSync(process.env.ROTATE, { stdio: 'ignore' });
  while ((await published()) === before) await suite.sleep(1000);
}

/** Opens what the module wants to be opened next; with nothing left to open, gives it pictures. */
async function visit(run, context) {
  const [next] = (await suite.browser(run.id)).urls;
  if (next === undefined) {
    await pictures(run, run.pages.at(-1));
    return;
  }
  run.visits += 1;
  const page = await context.newPage();
  run.pages.push(page);
  await suite.visited(run.id, next);
  await page
    .goto(next, { waitUntil: 'load' })
    .catch((error) => console.log('   ', error.message.split('\n')[0]));
  await act(page, run);
}

/** The pictures that the module waits for. */
async function pictures(run, page) {
  // The suite's own page is never the one to look at: the next page may be on its way.
  if (page === undefined || page.url().startsWith(suite.address)) return;
  for (const line of await suite.log(run.id)) {
    if (!line.upload) continue;
    const file = path.join(folder, 'pictures', `${run.plan}-${run.name}.png`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const png = await page.screenshot({ path: file }).catch(() => undefined);
    if (png) await suite.upload(run.id, line.upload, png).catch((error) => console.log('   ', error.message));
  }
}

/** Does on the provider's pages what a user would do. */
async function act(page, run) {
  const has = (selector) =>
    page
      .locator(selector)
      .first()
      .isVisible()
      .catch(() => false);
  for (let step = 0; step < 12; step += 1) {
    await page.waitForLoadState('load').catch(() => {});
    if (page.url().startsWith(suite.address)) {
      await page.waitForTimeout(300);
      if (!page.url().startsWith(suite.address)) continue;
      await page.waitForSelector('#submission_complete', { timeout: 4000 }).catch(() => {});
      return;
    }
    if (await has('input[name=password]')) {
      if (/prior-to-auth-completion/.test(run.name) && run.visits === 1) return;
      if (/(prompt-login|max-age-1$)/.test(run.name) && run.visits === 2) await pictures(run, page);
      if (/user-rejects/.test(run.name)) {
        await page.click('button[value=cancel]');
        continue;
      }
      if (
        await page
          .locator('#username')
          .isEditable()
          .catch(() => false)
      )
        await page.fill('#username', USER);
      await page.fill('input[name=password]', PASSWORD);
      await page.click('button[value=login]');
    } else if (await has('button[value=allow]')) {
      // The module ends with the picture, and takes no request after that.
      if (/logo-uri|policy-uri|tos-uri/.test(run.name)) return pictures(run, page);
      await page.click('button[value=allow]');
    } else if (await has('button[value=logout]')) {
      await page.click('button[value=logout]');
    } else {
      await page.waitForTimeout(400);
      if (step > 4) return;
    }
  }
}
