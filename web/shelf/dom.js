// Elements, and words for people.

import { say } from "./words.js";

// An element with attributes, listeners (`onclick`) and children; `null` attributes and children are left out.
export const h = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

export const button = (label, kind, hook, onclick) =>
  h("button", { type: "button", class: kind, "data-testid": hook, onclick }, label);

// A button for what cannot be undone: it asks once more in its own place. `about` says what, to who hears it.
export const dangerous = (hook, about, onclick) => {
  let sure = false;
  const element = h("button", { type: "button", class: "link", "data-testid": hook });
  const ask = (again) => {
    sure = again;
    element.replaceChildren(again ? say("delete_sure") : say("delete"), h("span", { class: "visually-hidden" }, ` ${about}`));
  };
  element.addEventListener("click", () => (sure ? onclick() : ask(true)));
  element.addEventListener("blur", () => ask(false));
  ask(false);
  return element;
};

// A number and its unit stay on one line.
export const bytes = (count) => {
  if (count < 1e3) return `${count}\u00a0B`;
  if (count < 1e6) return `${Math.round(count / 1e3)}\u00a0kB`;
  if (count < 1e9) return `${(count / 1e6).toFixed(count < 1e8 ? 1 : 0)}\u00a0MB`;
  return `${(count / 1e9).toFixed(1)}\u00a0GB`;
};

// Why something failed, as the end of a sentence.
export const reason = (error) => {
  if (error?.name === "QuotaExceededError") return say("no_space");
  if (error?.name === "SecurityError") return say("private_window");
  return String(error?.message || error || say("unknown")).replace(/\.$/, "");
};
