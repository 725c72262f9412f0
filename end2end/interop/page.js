// A page as its author would write it with oidc-client-ts, the client that most applications use.
/* global oidc */

const { bound, ...settings } = await (await fetch('/settings.json')).json();
const manager = new oidc.UserManager({
  ...settings,
  redirect_uri: `${location.origin}/callback`,
  popup_redirect_uri: `${location.origin}/callback`,
  silent_redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/signed-out`,
  popup_post_logout_redirect_uri: `${location.origin}/signed-out`,
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
  // The library can't prove at the user info endpoint that it has the key.
  loadUserInfo: !bound,
  automaticSilentRenew: false,
  monitorSession: true,
  ...(bound && { dpop: { store: new oidc.IndexedDbDPoPStore(), bind_authorization_code: true } }),
});
manager.events.addUserSignedOut(() => show('signed out at the provider'));

/** Shows the stored user and what happened last; errors are shown, not thrown. */
async function show(happened) {
  document.getElementById('user').textContent = JSON.stringify(await manager.getUser(), null, 2);
  document.getElementById('status').textContent = happened;
}

/** Lets a button do something and show how it ended. */
function on(id, happened, action) {
  document.getElementById(id).addEventListener('click', () =>
    action().then(
      () => show(happened),
      (error) => show(`error: ${error.error ?? error.message}`),
    ),
  );
}

/** Asks for the user info with a proof, once more if the provider wants its nonce in it. */
async function proveAndAsk(nonce) {
  const user = await manager.getUser();
  const url = await manager.metadataService.getUserInfoEndpoint();
  const proof = await manager.dpopProof(url, user, 'GET', nonce);
  const headers = { authorization: `DPoP ${user.access_token}`, dpop: proof };
  const answer = await fetch(url, { headers });
  const fresh = answer.headers.get('dpop-nonce');
  if (answer.status === 401 && fresh && !nonce) return proveAndAsk(fresh);
  return (await answer.json()).sub ?? answer.headers.get('www-authenticate');
}

on('signin', 'going', () => manager.signinRedirect());
on('popup', 'signed in', () => manager.signinPopup());
on('renew', 'renewed', () => manager.signinSilent());
on('frame', 'renewed in a frame', () => manager.signinSilent({ forceIframeAuth: true }));
on('revoke', 'revoked', () => manager.revokeTokens());
on('signout', 'going', () => manager.signoutRedirect());
on('popup-signout', 'signed out', () => manager.signoutPopup());
document
  .getElementById('userinfo')
  .addEventListener('click', async () => show(`user info of ${await proveAndAsk()}`));

try {
  if (location.pathname === '/callback') {
    await manager.signinCallback();
    history.replaceState(null, '', '/');
    await show('signed in');
  } else if (location.pathname === '/signed-out') {
    await manager.signoutCallback();
    await show('signed out');
  } else {
    await show('ready');
  }
} catch (error) {
  await show(`error: ${error.error ?? error.message}`);
}
