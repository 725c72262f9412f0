// At /popup and /silent-renew: hands this page's address, which carries the provider's response, to the page of the same
// origin that waits for it (crates/client/src/windows/child.rs), and closes a popup.
(() => {
  const address = `oidc.url:${location.href}`;
  const [, parameters = ""] = /[?#](.*state=.*)$/.exec(location.href) ?? [];
  const [id] = (new URLSearchParams(parameters.split("#")[0]).get("state") ?? "").split(";");
  const framed = parent !== window;
  // A provider may have cut the tie to the opener: who waits also listens on a channel that only it can name.
  if (id && typeof BroadcastChannel === "function") new BroadcastChannel(`oidc.${id}`).postMessage(address);
  (framed ? parent : opener)?.postMessage(address, location.origin);
  if (framed) return;
  close();
  // Should the browser keep the window open, the code must not stay in its address.
  history.replaceState(null, "", location.pathname);
})();
