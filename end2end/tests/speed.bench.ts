// How long a sign-in takes that needs no typing: from the click to the tokens on the page, with our client and with two
// others, in turns. All three pages have our page's document and styles, so that the browser lays out and paints the
// same. The pointer comes and clicks at once, or it rests on the button first, as a person's does. `npm run bench`
// prints both. BENCH_STEPS=1 also prints where our time goes.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { bench } from '../support/instances.ts';
import { serveFiles, type Served } from '../support/static-server.ts';
import { expect, test } from '../support/test.ts';

const rounds = 30;
/** How long the pointer rests on the button before the click, in milliseconds. */
const rests = [0, 150];
const folder = resolve(import.meta.dirname, '../bench/click');

/** A library, the origin of its page, and its file for browsers. */
const libraries = [
  { name: 'oidc-client-ts', origin: bench.pages[0], file: 'dist/browser/oidc-client-ts.min.js' },
  { name: 'oidc-client', origin: bench.pages[1], file: 'dist/oidc-client.min.js' },
] as const;

let server: Doorward;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  server = await Doorward.start({ origins: bench, config: bench.config });
  const ours = await ourPage();
  for (const { name, origin, file } of libraries) {
    const library = resolve(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file);
    const script = (path: string) => ({ type: 'text/javascript', body: () => readFile(path) });
    const settings = {
      authority: bench.provider,
      client_id: name,
      scope: 'openid profile offline_access MyBackendApi2',
    };
    const stop = await serveFiles(origin, {
      '/': { type: 'text/html; charset=utf-8', body: async () => ours.document },
      ...ours.files,
      '/page.js': script(`${folder}/page.js`),
      '/library.js': script(library),
      '/settings.json': { type: 'application/json', body: async () => JSON.stringify(settings) },
    });
    stops.push(stop);
  }
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server?.stop();
});

test('from the click on Sign In to the tokens on the page', async ({ page, context }) => {
  test.setTimeout(600_000);
  const app = new Application(page, bench);
  await app.open();
  await app.signInAs('alice');
  const pages = [
    { name: 'doorward', url: bench.app },
    ...libraries.map(({ name, origin }) => ({ name, url: origin })),
  ];
  const tab = await context.newPage();
  for (const rest of rests) {
    const times = new Map(pages.map(({ name }) => [name, [] as number[]]));
    for (let round = -1; round < rounds; round += 1) {
      for (const { name, url } of pages) {
        const took = await fromClickToTokens(tab, url, rest);
        // The first round fills the browser's cache.
        if (round >= 0) times.get(name)?.push(took);
      }
    }
    console.log(`the pointer rests for ${rest} ms before the click`);
    for (const [name, taken] of times) console.log(`  ${name}: ${told(taken)}`);
  }
  if (process.env['BENCH_STEPS']) console.log(await steps(tab));
});

/** Our page with the scripts of another client in place of ours, and the files that it shows. */
async function ourPage(): Promise<{ document: string; files: Record<string, Served> }> {
  const page = await (await fetch(bench.app)).text();
  const scripts = '<script src="/library.js"></script><script type="module" src="/page.js"></script></head>';
  const document = page
    .replaceAll(/<script\b.*?<\/script>|<link rel="(?:module)?preload"[^>]*>/gs, '')
    .replace('</head>', scripts);
  const shown = [...document.matchAll(/<link\b[^>]*\bhref="(\/[^"]*)"/g)].map(([, path]) => path ?? '');
  const files = shown.map(async (path): Promise<[string, Served]> => {
    const answer = await fetch(`${bench.app}${path}`);
    const body = Buffer.from(await answer.arrayBuffer());
    return [path, { type: answer.headers.get('content-type') ?? '', body: async () => body }];
  });
  return { document, files: Object.fromEntries(await Promise.all(files)) };
}

async function fromClickToTokens(page: Page, url: string, rest: number): Promise<number> {
  await page.mouse.move(0, 0);
  await page.goto(url);
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(url);
  await expect(page.locator('html')).toHaveAttribute('data-auth', 'signed-out');
  if (rest > 0) {
    await page.locator('#login').hover();
    await page.waitForTimeout(rest);
  }
  const began = performance.now();
  await page.locator('#login').click();
  await page.waitForFunction(() => document.querySelector('#access_token')?.textContent?.startsWith('ey'));
  return performance.now() - began;
}

/** The requests of one more sign-in with our page, by the time since the click in milliseconds. */
async function steps(page: Page): Promise<string> {
  const lines: string[] = [];
  let began = 0;
  const log = (what: string, url: string) =>
    lines.push(`${Math.round(performance.now() - began)} ms  ${what}  ${url.split('?')[0]}`);
  page.on('request', (request) => log('sent', request.url()));
  page.on('requestfinished', (request) => log('done', request.url()));
  page.on('domcontentloaded', (loaded) => log('parsed', loaded.url()));
  await page.goto(bench.app);
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(bench.app);
  await expect(page.locator('html')).toHaveAttribute('data-auth', 'signed-out');
  lines.length = 0;
  began = performance.now();
  await page.locator('#login').click();
  await page.waitForFunction(() => document.querySelector('#access_token')?.textContent?.startsWith('ey'));
  log('tokens', '');
  return lines.join('\n');
}

function told(times: number[]): string {
  times.sort((one, other) => one - other);
  const at = (part: number) => Math.round(times[Math.floor(part * (times.length - 1))] ?? Number.NaN);
  return `median ${at(0.5)} ms, fastest ${at(0)} ms, 90% within ${at(0.9)} ms`;
}
