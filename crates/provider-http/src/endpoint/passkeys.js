// The one script of the provider's pages: it passes questions to the browser's passkeys and their
// answers back into plain forms. Without it, the pages work with passwords.
(() => {
  "use strict";
  const form = document.getElementById("passkey-form");
  if (!form || !window.PublicKeyCredential || !navigator.credentials) return;
  const button = document.getElementById("passkey-button");
  const problem = document.getElementById("passkey-problem");
  const registers = ["register", "set-up"].includes(form.dataset.kind);
  let waiting = null;

  const bytes = (text) => {
    const plain = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
  };
  const text = (buffer) => {
    if (!buffer) return undefined;
    const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
    return btoa(letters.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };

  // The question, with the bytes that the browser wants in place of texts.
  async function ask() {
    const body = new URLSearchParams({
      form_token: form.elements.form_token.value,
      kind: form.dataset.kind,
    });
    const answer = await fetch(form.dataset.options, { method: "POST", body });
    if (!answer.ok) throw new Error(String(answer.status));
    const { ticket, publicKey } = await answer.json();
    publicKey.challenge = bytes(publicKey.challenge);
    if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
    for (const list of [publicKey.allowCredentials, publicKey.excludeCredentials]) {
      for (const key of list ?? []) key.id = bytes(key.id);
    }
    return { ticket, publicKey };
  }

  function send(ticket, credential) {
    const { response } = credential;
    form.elements.ticket.value = ticket;
    form.elements.credential.value = JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      extensions: {},
      response: {
        clientDataJSON: text(response.clientDataJSON),
        attestationObject: text(response.attestationObject),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        userHandle: text(response.userHandle),
        transports: response.getTransports?.(),
      },
    });
    form.submit();
  }

  function say(error) {
    // The user closed the dialog, or pressed the button meanwhile.
    const cancelled = error.name === "NotAllowedError" || error.name === "AbortError";
    const known = error.name === "InvalidStateError" && form.dataset.known;
    problem.textContent = known || (cancelled ? form.dataset.cancelled : form.dataset.failed);
    problem.hidden = false;
  }

  async function press() {
    problem.hidden = true;
    waiting?.abort();
    try {
      const { ticket, publicKey } = await ask();
      const credential = registers
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
      send(ticket, credential);
    } catch (error) {
      say(error);
    }
  }

  // The browser offers passkeys in the field of the user name.
  async function offer() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    const { signal } = waiting;
    // A question can be answered for ten minutes only. Then another one takes its place.
    const renewal = setTimeout(() => {
      waiting.abort();
      offer();
    }, 540_000);
    signal.addEventListener("abort", () => clearTimeout(renewal));
    try {
      const { ticket, publicKey } = await ask();
      const credential =
        await navigator.credentials.get({ publicKey, mediation: "conditional", signal });
      send(ticket, credential);
    } catch (error) {
      if (error.name !== "AbortError" && error.name !== "NotAllowedError") console.warn(error);
    }
  }

  button.hidden = false;
  if (registers) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      press();
    });
  } else {
    button.addEventListener("click", press);
    if (form.dataset.offered) offer();
  }
})();
