// Tells the user when the WebAssembly part of the page can't load or has stopped: nothing else could.
(() => {
  const hydrated = () => document.documentElement.hasAttribute("data-hydrated");
  const tell = (error) => {
    // Of a page that lives only an end of its program matters; of one that never came to life anything does.
    if (hydrated() && !(error instanceof WebAssembly.RuntimeError)) return;
    const alert = document.getElementById("fatal");
    if (alert) alert.hidden = false;
    const loading = document.getElementById("loading_msg");
    if (loading) loading.hidden = true;
  };
  addEventListener("error", (event) => tell(event.error));
  addEventListener("unhandledrejection", (event) => tell(event.reason));
})();
