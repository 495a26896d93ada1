"use strict";
// An element with an id and data-refresh="MILLISECONDS" is brought up to date from the same page, fetched anew, for as long as the new
// page asks for that. Nodes that stay the same are kept, and with them the focus, the selection and the scrolling.
const refreshed = () => [...document.querySelectorAll("[data-refresh][id]")];

const update = (old, now) => {
  if (old.isEqualNode(now)) return;
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(now);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = now.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const before = [...old.childNodes], after = [...now.childNodes];
  after.forEach((node, i) => (before[i] ? update(before[i], node) : old.append(node)));
  before.slice(after.length).forEach((node) => node.remove());
};

const refresh = async (failures) => {
  const all = refreshed();
  if (all.length === 0) return;
  const pause = Math.min(...all.map((e) => Number(e.dataset.refresh) || 1000)) * 2 ** Math.min(failures, 5);
  await new Promise((resolve) => setTimeout(resolve, pause));
  if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  try {
    const answer = await fetch(location.href, { cache: "no-store", redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload(); // to the sign-in
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) throw new Error(answer.statusText);
    for (const old of all) update(old, page.getElementById(old.id) || page.createElement(old.nodeName));
    failures = 0;
  } catch { // the server is away: its last words stay, and are marked as such
    failures++;
    if (failures > 2) for (const old of all) old.dataset.old = "";
  }
  refresh(failures);
};
refresh(0);
