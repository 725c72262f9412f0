// Loads the program of the pages for administrators, and starts it.
import load, { start } from "./admin.js";

await load({ module_or_path: new URL("./admin_bg.wasm", import.meta.url) });
start();
