// Offline use: registers the service worker, and says when the page can do without the network and when there is a
// new version of it.

import { button, h } from "./dom.js";

// Until the first model is there, the line to the server is the page's; but not for ever.
const PATIENCE = 20_000;

const modelInUse = () =>
  new Promise((resolve) => {
    addEventListener("fsr-model", resolve, { once: true });
    setTimeout(resolve, PATIENCE);
  });

class Offline extends HTMLElement {
  connectedCallback() {
    if (this.dataset.testid) return;
    this.dataset.testid = "offline";
    this.setAttribute("role", "status");
    this.show("");
    // Where pages have none (no HTTPS), nothing is promised.
    if ("serviceWorker" in navigator) this.start().catch((error) => this.failed(error));
  }

  async start() {
    if (!navigator.serviceWorker.controller) await modelInUse();
    this.registration = await navigator.serviceWorker.register("service-worker.js", { updateViaCache: "none" });
    const follow = () => this.registration.installing?.addEventListener("statechange", () => this.look());
    this.registration.addEventListener("updatefound", () => {
      follow();
      this.look();
    });
    follow();
    this.look();
  }

  look() {
    const { installing, waiting, active } = this.registration;
    if (waiting && active) this.show("update", "A new version is ready.", this.takeOver());
    else if (active) this.show("ready", "Ready for offline use");
    else if (installing || waiting) this.show("keeping", "Getting ready for offline use…");
    else this.failed("a file of the page could not be kept");
  }

  takeOver() {
    return button("Use it", "link", "use-update", () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      this.registration.waiting?.postMessage("take over");
    });
  }

  failed(error) {
    console.info("not ready for offline use:", error);
    this.show("failed", "Needs the network");
  }

  show(state, ...words) {
    if (this.dataset.state === state) return;
    this.dataset.state = state;
    this.replaceChildren(...(words.length ? [h("span", {}, words[0]), ...words.slice(1)] : []));
  }
}

customElements.define("fsr-offline", Offline);

// Version and size of what is kept for offline use; `null` while it is not.
export const about = async () => {
  const worker = navigator.serviceWorker?.controller;
  if (!worker) return null;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(null), 2_000);
    worker.postMessage("about", [port2]);
  });
};
