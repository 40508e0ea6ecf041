// The shelf: what is kept in this browser (detectors trained here, models of the catalogue, packages from elsewhere),
// shown with sizes, opened and deleted. It speaks with the page by events alone; `web/src/ui/shelf.rs` is the other side.

import { bytes, button, dangerous, h, reason } from "./dom.js";
import * as detectors from "./detectors.js";
import * as offline from "./offline.js";
import { Catalogue } from "./catalogue.js";
import { Elsewhere } from "./elsewhere.js";
import { follow, live, moment, say } from "./words.js";

// The detector in use, when it is a kept one.
let inUse = null;
// The one that was trained last.
let trained = null;
let counter = 0;
// What the page was asked to open, by token: the kept detector's id or `null`.
const asked = new Map();

// Hands files to the page, as if the visitor had chosen them.
const open = (files, threshold = null, id = null) => {
  const token = `shelf-${(counter += 1)}`;
  asked.set(token, id);
  dispatchEvent(new CustomEvent("fsr-open", { detail: { token, files, threshold } }));
};

const use = async (detector) => open([await detectors.open(detector)], detector.threshold, detector.id);

class Shelf extends HTMLElement {
  connectedCallback() {
    if (this.line) return;
    this.id = "shelf";
    this.line = h("p", { class: "shelf-line", role: "status", tabindex: "-1", "data-testid": "shelf-line" });
    this.usage = h("p", { class: "quiet", "data-testid": "shelf-usage" });
    this.kept = h("ul", { class: "shelf-list", "data-testid": "kept-list" });
    this.catalogue = new Catalogue(this, open);
    this.elsewhere = new Elsewhere(this, open);
    this.append(
      h("section", { class: "card", "aria-labelledby": "shelf-title" },
        h("div", { class: "card-head" }, h("h2", { id: "shelf-title" }, live("title")), this.usage),
        this.line,
        h("div", { class: "shelf-parts" },
          h("div", { class: "shelf-part" },
            h("h3", {}, live("yours")),
            h("p", { class: "quiet" }, live("yours_about")),
            this.kept),
          this.catalogue.part,
          this.elsewhere.part)));
    addEventListener("fsr-trained", ({ detail }) => this.keep(detail));
    addEventListener("fsr-model", ({ detail }) => this.modelInUse(detail));
    addEventListener("fsr-refused", ({ detail }) => asked.delete(detail.token));
    addEventListener("fsr-threshold", ({ detail }) => this.thresholdMoved(detail.value));
    // What is kept for offline use counts from when it is there.
    navigator.serviceWorker?.addEventListener("controllerchange", () => this.refresh());
    follow(() => {
      this.line.textContent = this.said();
      this.refresh();
    });
  }

  // What the line says, in the language of the moment.
  said = () => "";

  // Says something in one line: the words come from `said`, which is asked again in another language.
  tell(said, failed = false) {
    this.said = said;
    this.line.textContent = said();
    this.line.classList.toggle("failed", failed);
  }

  // The same after something under the focus went away.
  tellHere(said) {
    this.tell(said);
    this.line.focus();
  }

  async keep({ name, blob }) {
    const id = `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
    trained = id;
    try {
      await detectors.keep(id, name, blob);
      this.tell(() => say("was_kept", { name }));
    } catch (error) {
      if (trained === id) trained = null;
      if (inUse?.id === id) inUse = null;
      this.tell(() => say("not_kept", { name, why: reason(error) }), true);
    }
    this.refresh();
  }

  modelInUse({ name, token }) {
    const id = token === "trained" ? trained : (asked.get(token) ?? null);
    asked.clear();
    inUse = id && { id, name };
    this.refresh();
  }

  thresholdMoved(value) {
    if (!inUse) return;
    const { id, name } = inUse;
    clearTimeout(this.soon);
    this.soon = setTimeout(async () => {
      try {
        // Not for one that was deleted meanwhile.
        const kept = (await detectors.list()).find((kept) => kept.id === id);
        if (kept && kept.threshold !== value) await detectors.setThreshold(id, kept.name ?? name, value);
        this.refresh();
      } catch (error) {
        this.tell(() => say("threshold_lost", { why: reason(error) }), true);
      }
    }, 400);
  }

  // Draws what is there now.
  async refresh() {
    let kept = [];
    let trouble = null;
    try {
      kept = await detectors.list();
    } catch (error) {
      trouble = reason(error);
    }
    // The focus stays with its detector, though the button under it may be another.
    const focused = this.kept.contains(document.activeElement) && document.activeElement.closest("[data-id]")?.dataset.id;
    this.kept.replaceChildren(...kept.map((detector) => this.row(detector)));
    if (focused) this.kept.querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus();
    if (trouble) this.kept.append(h("li", { class: "quiet", "data-testid": "kept-trouble" }, say("not_available", { why: trouble })));
    else if (!kept.length) this.kept.append(h("li", { class: "quiet" }, say("none_yet")));
    document.querySelector("fsr-kept")?.show(kept, inUse);
    const [page, space] = await Promise.all([offline.about(), navigator.storage?.estimate?.().catch(() => null)]);
    const words = [];
    if (space) words.push(say("used", { used: bytes(space.usage), allowed: bytes(space.quota) }));
    if (page) words.push(say("used_offline", { size: bytes(page.bytes) }));
    this.usage.textContent = words.join(say("comma"));
  }

  row(detector) {
    const { id, name } = detector;
    const now = inUse?.id === id;
    const facts = [bytes(detector.bytes), moment(detector.saved)];
    if (detector.threshold !== null) facts.push(say("own_threshold"));
    const attempt = (work) => () => work().catch((error) => {
      this.tell(() => say("unreadable", { name, why: reason(error) }), true);
      this.refresh();
    });
    const save = async () => {
      const file = await detectors.open(detector);
      const link = h("a", { href: URL.createObjectURL(file), download: file.name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    };
    const remove = async () => {
      await detectors.remove(id);
      if (now) inUse = null;
      await this.refresh();
      this.tellHere(() => say("deleted", { name }));
    };
    return h("li", { "data-testid": "kept", "data-id": id, "data-name": name, "data-in-use": String(now) },
      h("div", {}, h("b", {}, name), " ", h("span", { class: "quiet" }, facts.join(" · "))),
      h("div", { class: "row" },
        now ? h("span", { class: "in-use" }, say("in_use")) : button(say("use_it"), "secondary", "kept-use", attempt(() => use(detector))),
        button(say("save_file"), "link", "kept-save", attempt(save)),
        dangerous("kept-delete", name, attempt(remove))));
  }
}

// In step three: the detectors that are kept, one press away.
class Kept extends HTMLElement {
  show(kept, inUse) {
    const had = this.contains(document.activeElement);
    const now = kept.find(({ id }) => id === inUse?.id);
    const others = kept.filter((detector) => detector !== now).slice(0, 3);
    const trouble = (error) => document.querySelector("fsr-shelf").tell(() => reason(error), true);
    this.dataset.testid = "kept-offer";
    this.tabIndex = -1;
    this.replaceChildren(
      ...(others.length ? [h("span", { class: "quiet" }, say("kept_here"))] : []),
      ...others.map((detector) => button(detector.name, "link", "kept-open", () => use(detector).catch(trouble))),
      ...(now ? [h("span", { class: "quiet" }, say("now_in_use", { name: now.name }))] : []));
    if (had && !this.contains(document.activeElement)) this.focus();
  }
}

customElements.define("fsr-kept", Kept);
customElements.define("fsr-shelf", Shelf);
