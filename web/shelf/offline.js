// Offline use: registers the service worker, and says when the page can do without the network and when there is a
// new version of it.

import { button, h } from "./dom.js";
import { follow, say } from "./words.js";

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
    this.state = "";
    follow(() => this.draw());
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
    if (waiting && active) this.show("update");
    else if (active) this.show("ready");
    else if (installing || waiting) this.show("keeping");
    else this.failed("a file of the page could not be kept");
  }

  takeOver() {
    return button(say("offline_use"), "link", "use-update", () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      this.registration.waiting?.postMessage("take over");
    });
  }

  failed(error) {
    console.info("not ready for offline use:", error);
    this.show("failed");
  }

  show(state) {
    if (this.state === state) return;
    this.state = state;
    this.draw();
  }

  draw() {
    this.dataset.state = this.state;
    const words = {
      update: () => [h("span", {}, say("offline_update")), this.takeOver()],
      ready: () => [h("span", {}, say("offline_ready"))],
      keeping: () => [h("span", {}, say("offline_keeping"))],
      failed: () => [h("span", {}, say("offline_failed"))],
    }[this.state];
    this.replaceChildren(...(words?.() ?? []));
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
