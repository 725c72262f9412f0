
// A client asks "client_id session_state"; the answer is "unchanged", "changed" or "error" (section 3.2).
const cookie = "COOKIE=";
addEventListener("message", async ({ data, origin, source }) => {
  const reply = (state) => source.postMessage(state, origin);
  const asked = typeof data === "string" && /^([ -~]+) ([\w-]+)\.([\w-]+)$/.exec(data);
  if (!asked) return reply("error");
  const [, client, hash, salt] = asked;
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(cookie));
  const check = pair ? pair.slice(cookie.length) : "";
  const bytes = new TextEncoder().encode([client, origin, check, salt].join(" "));
  const digest = String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const computed = btoa(digest).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  reply(computed === hash ? "unchanged" : "changed");
});
