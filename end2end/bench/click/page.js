// The page of the benchmark as its author would write it with oidc-client-ts or oidc-client.js.
/* global oidc, Oidc */
const { UserManager } = globalThis.oidc ?? globalThis.Oidc;

const settings = await (await fetch('/settings.json')).json();
const manager = new UserManager({
  ...settings,
  redirect_uri: `${location.origin}/`,
  response_type: 'code',
  loadUserInfo: true,
  automaticSilentRenew: true,
});

const login = document.getElementById('login');
login.addEventListener('click', () => manager.signinRedirect());
login.disabled = false;
if (new URLSearchParams(location.search).has('code')) {
  await manager.signinRedirectCallback();
  history.replaceState(null, '', '/');
}
const user = await manager.getUser();
for (const name of ['id_token', 'access_token', 'refresh_token', 'expires_at']) {
  const shown = document.getElementById(name);
  shown.textContent = user?.[name] ?? '';
  shown.hidden = !user;
}
document.getElementById('uid').textContent = user?.profile.sub ?? '';
document.getElementById('loading_msg').hidden = true;
document.getElementById('signin_msg').hidden = Boolean(user);
document.getElementById('welcome_msg').hidden = !user;
document.documentElement.dataset.auth = user ? 'signed-in' : 'signed-out';
