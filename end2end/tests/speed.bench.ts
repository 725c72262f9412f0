// How long a sign-in takes that needs no typing: from the click to the tokens on the page. `npm run bench` prints it.
import { Application } from '../support/application.ts';
import { test } from '../support/test.ts';

const rounds = 30;

test('from the click on Sign In to the tokens on the page', async ({ page }) => {
  test.setTimeout(300_000);
  const app = new Application(page);
  await app.open();
  await app.signInAs('alice');
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await page.evaluate(() => sessionStorage.clear());
    await app.open();
    await app.expectSignedOut();
    const began = performance.now();
    await app.signIn.click();
    await page.waitForFunction(() => document.querySelector('#access_token')?.textContent?.startsWith('ey'));
    times.push(performance.now() - began);
  }
  times.sort((one, other) => one - other);
  const at = (part: number) => Math.round(times[Math.floor(part * (times.length - 1))] ?? Number.NaN);
  console.log(
    `click to tokens, ${rounds} rounds: median ${at(0.5)} ms, fastest ${at(0)} ms, 90% within ${at(0.9)} ms`,
  );
});
