// Passkeys with Chromium's virtual authenticator, authenticator apps and recovery codes.
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { Authenticator } from '../support/authenticator.ts';
import { Doorward } from '../support/doorward.ts';
import { factors } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { followLink, openMail } from '../support/mail.ts';
import { stepUp } from '../support/routes.ts';
import { expect, test } from '../support/test.ts';
import { totp } from '../support/totp.ts';

const { provider } = factors;

let server: Doorward;
// Each story has a server of its own: they change the demo users, and throttle addresses.
test.beforeEach(async () => {
  server = await Doorward.start({ origins: factors, config: factors.config, roles: ['provider'] });
});
test.afterEach(() => server?.stop());
test.describe.configure({ mode: 'serial' });

const signedIn = (page: Page, name: string) =>
  expect(page.getByText('signed in as').locator('strong')).toHaveText(name);

async function signIn(page: Page, name: string, path = '/account/login'): Promise<void> {
  await page.goto(`${provider}${path}`);
  await new LoginPage(page).submit(name, name);
}

async function forget(page: Page): Promise<void> {
  await page.context().clearCookies();
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto(`${provider}/account/passkeys`);
  await page.locator('#passkey-form').getByLabel('Name of the passkey').fill(name);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.locator('#passkeys')).toContainText(name);
}

async function makeRecoveryCodes(page: Page): Promise<string[]> {
  await page.goto(`${provider}/account/recovery-codes`);
  await page.getByRole('button', { name: 'Make new recovery codes' }).click();
  const codes = page.locator('#recovery-codes li');
  await expect(codes).toHaveCount(10);
  return codes.allInnerTexts();
}

/** Leaves carol a passkey and recovery codes, which are returned, and then takes the device of the passkey away. */
async function loseTheOnlyPasskey(page: Page): Promise<string[]> {
  await signIn(page, 'carol');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  const codes = await makeRecoveryCodes(page);
  await page.goto(`${provider}/account/password`);
  await page.getByRole('button', { name: 'Remove the password' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The password is removed');
  await device.remove();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await new LoginPage(page).expectOpen(provider);
  return codes;
}

/** At the second step, with a recovery code in place of the passkey. */
async function finishByRecoveryCode(page: Page, code: string | undefined): Promise<void> {
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await page.getByLabel('Recovery code').fill(code ?? '');
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByRole('heading', { name: 'Passkeys' })).toBeVisible();
}

/** On the page of the passkeys: another device takes the place of the lost one, and signs in. */
async function replaceTheLostPasskey(page: Page, name: string): Promise<void> {
  await Authenticator.add(page);
  await addPasskey(page, 'My phone');
  await page.getByRole('button', { name: 'Remove the passkey My laptop' }).click();
  await expect(page.locator('#passkeys')).not.toContainText('My laptop');
  await expect(page.locator('#passkeys')).toContainText('My phone');
  await forget(page);
  // It answers the autofill.
  await page.goto(`${provider}/account/login`);
  await signedIn(page, name);
}

const byPasskey = (page: Page) => page.getByRole('button', { name: 'Sign in with a passkey' });

test('a passkey signs in by the button, without a name', async ({ page }) => {
  await signIn(page, 'alice');
  const device = await Authenticator.add(page);
  // Nobody touches it until it is asked by the button, or it would answer the autofill.
  await addPasskey(page, 'My laptop');
  expect(await device.countPasskeys()).toBe(1);
  await device.setPresent(false);
  await forget(page);
  await page.goto(`${provider}/account/login`);
  await expect(byPasskey(page)).toBeVisible();
  await device.setPresent(true);
  await byPasskey(page).click();
  await signedIn(page, 'alice');
  await page.goto(`${provider}/account/passkeys`);
  await expect(page.locator('#passkeys')).toContainText('last used');
});

test('a passkey signs in by the autofill of the login page', async ({ page }) => {
  await signIn(page, 'alice');
  await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await forget(page);
  // The virtual authenticator chooses its passkey as soon as the page asks.
  await page.goto(`${provider}/account/login`);
  await signedIn(page, 'alice');
});

test('a removed passkey signs nobody in', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/account\/login.*status of 400/);
  await signIn(page, 'alice');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await page.getByRole('button', { name: 'Remove the passkey My laptop' }).click();
  await expect(page.getByText('You have no passkeys yet')).toBeVisible();
  await device.setPresent(false);
  await forget(page);
  await page.goto(`${provider}/account/login`);
  await expect(byPasskey(page)).toBeVisible();
  await device.setPresent(true);
  await byPasskey(page).click();
  await expect(page.getByRole('alert')).toContainText('not known here');
  await device.setPresent(false);
  await new LoginPage(page).submit('alice', 'alice');
  await signedIn(page, 'alice');
});

test('a device that does not recognise its user is refused, and the page says so', async ({ page }) => {
  await signIn(page, 'alice');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await device.setVerifiesUser(false);
  await forget(page);
  await page.goto(`${provider}/account/login`);
  await byPasskey(page).click();
  await expect(page.locator('#passkey-problem')).toContainText('Try again');
  await device.setVerifiesUser(true);
  await byPasskey(page).click();
  await signedIn(page, 'alice');
});

test('a device registers one passkey of an account', async ({ page }) => {
  await signIn(page, 'alice');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.locator('#passkey-problem')).toContainText('already');
  expect(await device.countPasskeys()).toBe(1);
});

test('without scripts the login page works with passwords', async ({ browser }) => {
  const page = await browser.newPage({ javaScriptEnabled: false });
  await signIn(page, 'alice', '/account/login?return_url=%2Faccount%2Fpasskeys');
  await expect(page.getByRole('heading', { name: 'Passkeys' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add a passkey' })).toBeHidden();
  await page.close();
});

test('an authenticator app asks for a code, and a recovery code takes its place', async ({ page }) => {
  await signIn(page, 'bob', '/account/login?return_url=%2Faccount%2Fauthenticator');
  await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
  await expect(page.locator('svg.qr-code')).toBeVisible();
  await page.getByText('Or type this key').click();
  const key = await page.locator('#secret').innerText();
  await page.getByLabel('Code of the app').fill(totp(key));
  await page.getByRole('button', { name: 'Confirm' }).click();
  const codes = await page.locator('#recovery-codes li').allInnerTexts();
  expect(codes).toHaveLength(10);

  await forget(page);
  await signIn(page, 'bob');
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  // The next one: that of this step was used to set the app up.
  await page.getByLabel('Code of the app').fill(totp(key, Date.now() + 30_000));
  await page.keyboard.press('Enter');
  await signedIn(page, 'bob');

  await forget(page);
  await signIn(page, 'bob');
  await page.getByRole('link', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(codes[3] ?? '');
  await page.keyboard.press('Enter');
  await signedIn(page, 'bob');
});

test('a wrong code is told, and the right one still signs in', async ({ page, expectConsoleError }) => {
  expectConsoleError(/second-step.*status of 400/);
  await signIn(page, 'carol', '/account/login?return_url=%2Faccount%2Fauthenticator');
  await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
  await page.getByText('Or type this key').click();
  const key = await page.locator('#secret').innerText();
  await page.getByLabel('Code of the app').fill(totp(key));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await forget(page);
  await signIn(page, 'carol');
  await page.getByLabel('Code of the app').fill('12345');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('wrong');
  await page.getByLabel('Code of the app').fill(totp(key, Date.now() + 30_000));
  await page.keyboard.press('Enter');
  await signedIn(page, 'carol');
});

/** Serves a page of another origin on the same host, which may ask for the provider's passkeys. */
async function openForeignPage(page: Page): Promise<void> {
  const foreign = 'http://localhost:6252/';
  await page.route(foreign, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>Foreign</title>' }),
  );
  await page.goto(foreign);
}

/** Asks the passkey for the answer to this question, as the script of the login page does. */
async function answerOf(page: Page, challenge: string): Promise<string> {
  return await page.evaluate(async (challenge) => {
    const bytes = (text: string) =>
      Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    const text = (buffer: ArrayBuffer | null) =>
      buffer
        ? btoa(String.fromCharCode(...new Uint8Array(buffer)))
            .replaceAll('+', '-')
            .replaceAll('/', '_')
            .replaceAll('=', '')
        : undefined;
    const publicKey = {
      challenge: bytes(challenge),
      rpId: 'localhost',
      userVerification: 'required' as const,
    };
    const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
    const response = credential.response as AuthenticatorAssertionResponse;
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      extensions: {},
      response: {
        clientDataJSON: text(response.clientDataJSON),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        userHandle: text(response.userHandle),
      },
    });
  }, challenge);
}

test('an answer that was given on a page of another origin is refused', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/\/account\/login.*status of 400/);
  await signIn(page, 'alice');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await device.setPresent(false);
  await forget(page);
  await page.goto(`${provider}/account/login`);
  const token = await page.locator('input[name=form_token]').first().inputValue();
  const form = { form_token: token, kind: 'sign-in' };
  const question = await page.request.post(`${provider}/account/passkey-options`, { form });
  const { ticket, publicKey } = await question.json();
  await openForeignPage(page);
  await device.setPresent(true);
  const credential = await answerOf(page, publicKey.challenge);
  await device.setPresent(false);
  await page.goto(`${provider}/account/login`);
  await page.evaluate(
    ([ticket, credential]) => {
      const form = document.getElementById('passkey-form') as HTMLFormElement;
      const field = (name: string) => form.elements.namedItem(name) as HTMLInputElement;
      field('ticket').value = ticket ?? '';
      field('credential').value = credential ?? '';
      form.submit();
    },
    [ticket, credential],
  );
  await expect(page.getByRole('alert').first()).toContainText('did not work');
});

test('a dialog that was closed is told, and the password still signs in', async ({ page }) => {
  await page.addInitScript(() => {
    navigator.credentials.get = () => Promise.reject(new DOMException('closed', 'NotAllowedError'));
  });
  await page.goto(`${provider}/account/login`);
  await byPasskey(page).click();
  await expect(page.locator('#passkey-problem')).toContainText('the dialog was closed');
  await new LoginPage(page).submit('alice', 'alice');
  await signedIn(page, 'alice');
});

test('at the second step a passkey takes the place of the code', async ({ page }) => {
  await signIn(page, 'bob', '/account/login?return_url=%2Faccount%2Fauthenticator');
  await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
  await page.getByText('Or type this key').click();
  const key = await page.locator('#secret').innerText();
  await page.getByLabel('Code of the app').fill(totp(key));
  await page.getByRole('button', { name: 'Confirm' }).click();
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await device.setPresent(false);
  await forget(page);
  await signIn(page, 'bob');
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await device.setPresent(true);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await signedIn(page, 'bob');
});

test('a password is removed, and the passkey signs in', async ({ page }) => {
  await signIn(page, 'carol');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  await page.goto(`${provider}/account/recovery-codes`);
  await page.getByRole('button', { name: 'Make new recovery codes' }).click();
  await page.goto(`${provider}/account/password`);
  await page.getByRole('button', { name: 'Remove the password' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The password is removed');
  await device.setPresent(false);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(byPasskey(page)).toBeVisible();
  await device.setPresent(true);
  await byPasskey(page).click();
  await signedIn(page, 'carol');
});

test('who lost the passkey of the second step enters a recovery code, and adds another passkey', async ({
  page,
}) => {
  await signIn(page, 'bob');
  const device = await Authenticator.add(page);
  await addPasskey(page, 'My laptop');
  const codes = await makeRecoveryCodes(page);
  await device.remove();
  await forget(page);
  // The pages of the account want the second factor of whoever has one.
  await signIn(page, 'bob', '/account/login?return_url=%2Faccount%2Fpasskeys');
  await finishByRecoveryCode(page, codes[0]);
  await replaceTheLostPasskey(page, 'bob');
});

test('who lost the passkey and has no password types a recovery code in its place', async ({ page }) => {
  const codes = await loseTheOnlyPasskey(page);
  await new LoginPage(page).submit('carol', codes[0] ?? '');
  await signedIn(page, 'carol');
  await page.goto(`${provider}/account/passkeys`);
  await replaceTheLostPasskey(page, 'carol');
});

test('who lost the passkey and has no password gets one by mail', async ({ page }) => {
  const codes = await loseTheOnlyPasskey(page);
  await page.getByRole('link', { name: 'Forgot password?' }).click();
  await page.getByLabel('User name or e-mail address').fill('carol');
  await page.getByRole('button', { name: 'Send the link' }).click();
  await openMail(page, provider, 'carol@example.com', /new password/i);
  await followLink(page);
  const password = 'violet kettle marches north';
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('Repeat the password').fill(password);
  await page.getByRole('button', { name: 'Save the password' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your password is changed');
  await expect(page.locator('#ways-in')).toContainText('My laptop');
  await page.getByRole('link', { name: 'Sign in' }).click();
  const form = new LoginPage(page);
  await form.submit('carol', password);
  await signedIn(page, 'carol');
  // The mailbox alone does not change how the account is reached.
  await page.goto(`${provider}/account/passkeys`);
  await form.submit('carol', password);
  await finishByRecoveryCode(page, codes[0]);
  await replaceTheLostPasskey(page, 'carol');
});

test.describe('where everybody must have a second factor', () => {
  test.beforeEach(async () => {
    await server.stop();
    const env = { DOORWARD_ACCOUNTS__REQUIRE_SECOND_FACTOR: 'always' };
    server = await Doorward.start({ origins: factors, config: factors.config, roles: ['provider'], env });
  });

  /** On the page with the recovery codes, which follow a first factor. */
  async function goOn(page: Page): Promise<void> {
    await expect(page.locator('#recovery-codes li')).toHaveCount(10);
    await page.getByRole('link', { name: 'Continue' }).click();
  }

  test('a passkey is added at the sign-in, and signs in from then on', async ({ page }) => {
    const device = await Authenticator.add(page);
    await device.setPresent(false);
    await signIn(page, 'carol');
    await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
    await device.setPresent(true);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await goOn(page);
    await signedIn(page, 'carol');
    expect(await device.countPasskeys()).toBe(1);
    await forget(page);
    // It answers the autofill.
    await page.goto(`${provider}/account/login`);
    await signedIn(page, 'carol');
  });

  test('an app is set up at the sign-in, also without scripts', async ({ browser }) => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    await signIn(page, 'bob');
    await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Add a passkey' })).toBeHidden();
    await page.getByText('Or type this key').click();
    const key = await page.locator('#secret').innerText();
    await page.getByLabel('Code of the app').fill(totp(key));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await goOn(page);
    await signedIn(page, 'bob');
    await page.close();
  });
});

test('a call that needs two factors asks for the code of the app, and is repeated', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 401/);
  await server.stop();
  server = await Doorward.start({ origins: factors, config: factors.config });
  await signIn(page, 'alice', '/account/login?return_url=%2Faccount%2Fauthenticator');
  await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
  await page.getByText('Or type this key').click();
  const key = await page.locator('#secret').innerText();
  await page.getByLabel('Code of the app').fill(totp(key));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.locator('#recovery-codes')).toBeVisible();
  const app = new Application(page, factors);
  await app.open();
  await app.signIn.click();
  await app.expectSignedInAs('alice');
  expect((await app.call(stepUp.twoFactors)).status()).toBe(401);
  const authorized = page.waitForRequest((request) => request.url().includes('/connect/authorize?'));
  await page.locator('#error_next').click();
  const asked = new URL((await authorized).url()).searchParams;
  expect(asked.get('acr_values')).toBe('urn:doorward:acr:2');
  expect(asked.get('id_token_hint')).not.toBeNull();
  expect(asked.get('scope')).toContain('MyBackendApi2');
  await expect(page.getByLabel('User name')).toHaveValue('alice');
  await app.loginPage.submit('alice', 'alice');
  await page.getByLabel('Code of the app').fill(totp(key, Date.now() + 30_000));
  const [repeated] = await Promise.all([
    page.waitForResponse((response) => new URL(response.url()).pathname === stepUp.twoFactors),
    page.keyboard.press('Enter'),
  ]);
  expect(repeated.status()).toBe(200);
});
