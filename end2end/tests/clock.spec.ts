// A device whose clock is wrong: tokens live as long as the provider says, whatever the device's clock shows.
import { Application, tokenRequests } from '../support/application.ts';
import { expect, test } from '../support/test.ts';

for (const hours of [-1, 1]) {
  test(`a clock that is off by ${hours} hours neither ends nor extends a session`, async ({ page }) => {
    await page.clock.install({ time: Date.now() + hours * 3_600_000 });
    const app = new Application(page);
    const requests = tokenRequests(page);
    await app.open();
    await app.signInAs('alice');
    expect((await app.call('/api/DemoPolicyBased/Everyone/Get')).status()).toBe(200);
    await page.reload();
    await app.expectSignedInAs('alice');
    expect((await app.call('/api/DemoPolicyBased/Everyone/Get')).status()).toBe(200);
    expect(requests.length, 'the code was exchanged, and nothing renewed before its time').toBe(1);
    await expect(app.error).toBeHidden();
  });
}
