// Keeps a page true: listens to the server's events, fetches the part that changes, and says so loudly when it cannot.
"use strict";

const QUIET_MS = 40_000; // the server beats every 15 s; two beats missed is a lost connection
const GRACE_MS = 3_000; // a reconnect this quick is nobody's business
const RETRY_MS = 5_000;
const REDRAW_MS = 30_000;
const HANGS_MS = 15_000; // a browser has few connections to one server: a chart must not keep them from the alerts

const page = document.querySelector("[data-follow]").dataset;
const lost = document.getElementById("lost");
const announce = document.getElementById("announce");
const chart = document.querySelector("[data-load]");

let source = null;
let heardAt = Date.now();
let troubleSince = 0;
let triedAt = 0;
let reached = true;
let fetching = false;
let again = false;
let drawing = false;
let redraw = 0;
let ahead = 0; // how far the server's clock is ahead of ours, in ms
let seen = alerts();

function content() {
  return document.getElementById("live").dataset;
}

function alerts() {
  return new Map([...document.querySelectorAll("[data-alert]")].map((each) => [each.dataset.alert, each]));
}

// Of what we have already, the server sends only the names.
function address() {
  const { edition } = content();
  if (!edition) return page.follow;
  return `${page.follow}${page.follow.includes("?") ? "&" : "?"}known=${encodeURIComponent(edition)}`;
}

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch(address());
    if (answer.status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    replace(await answer.text());
    reached = true;
  } catch {
    reached = false;
  } finally {
    fetching = false;
  }
  if (again) {
    again = false;
    refresh();
  }
}

function replace(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const focused = document.activeElement.id;
  const same = [...fresh.querySelectorAll("[data-same]")];
  if (same.some((each) => !document.getElementById(each.id))) {
    delete content().edition; // all of it, then
    again = true;
    return;
  }
  for (const each of same) each.replaceWith(document.getElementById(each.id));
  for (const part of [...fresh.body.children]) document.getElementById(part.id)?.replaceWith(part);
  if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  settle();
  const now = alerts();
  const news = [...now.values()].filter((each) => !seen.has(each.dataset.alert));
  if (news.length) {
    announce.textContent = news
      .map((each) => page.new.replace("{what}", each.dataset.what).replace("{where}", each.dataset.where))
      .join("; ");
  }
  seen = now;
}

function settle() {
  ahead = Number(content().now) - Date.now();
  const waiting = Number(content().waiting || 0);
  if (page.title) document.title = (waiting ? `(${waiting}) ` : "") + page.title;
  tick();
}

function connect() {
  source?.close();
  source = new EventSource(`/api/v1/events?since=${content().step}`);
  source.addEventListener("open", heard);
  source.addEventListener("beat", () => {
    heard();
    refresh(); // the footer's figures move without a step
  });
  source.addEventListener("step", () => {
    heard();
    refresh();
    draw();
  });
  source.addEventListener("error", () => {
    troubleSince ||= Date.now();
  });
}

function heard() {
  heardAt = Date.now();
  troubleSince = 0;
}

function watch() {
  const now = Date.now();
  const quiet = now - heardAt > QUIET_MS;
  const gone = quiet || (troubleSince && now - troubleSince > GRACE_MS);
  if (gone && now - triedAt > RETRY_MS) {
    triedAt = now;
    refresh();
    if (quiet || source.readyState === EventSource.CLOSED) connect();
  }
  lost.hidden = !gone;
  if (gone) {
    lost.querySelector("[data-when=polling]").hidden = !reached;
    lost.querySelector("[data-when=stale]").hidden = reached;
    document.getElementById("lost-since").textContent = content().wall;
  }
  tick();
}

function tick() {
  const now = Date.now() + ahead;
  for (const each of document.querySelectorAll("[data-due]")) {
    const left = Number(each.dataset.due) - now;
    each.textContent = left > 0 ? clock(left) : each.dataset.nowText;
  }
  for (const each of document.querySelectorAll("[data-since]")) {
    each.textContent = clock(now - Number(each.dataset.since));
  }
}

function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return (hours ? `${hours}:` : "") + `${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
}

async function draw() {
  if (!chart || drawing) return;
  drawing = true;
  let wait = REDRAW_MS;
  try {
    const url = `${chart.dataset.load}?width=${Math.round(chart.clientWidth)}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(HANGS_MS) });
    if (!answer.ok) wait = Number(answer.headers.get("Retry-After")) * 1000 || REDRAW_MS;
    if (answer.headers.get("Content-Type").startsWith("text/html")) show(await answer.text(), answer.ok);
  } catch {
    // the banner speaks of lost connections; the chart that is there stays
  }
  drawing = false;
  clearTimeout(redraw);
  redraw = setTimeout(draw, wait);
}

function show(html, whole) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  // what cannot be drawn anew now is still the latest anybody has
  const kept = whole ? [] : [...chart.querySelectorAll("figure")];
  chart.replaceChildren(...fresh.body.childNodes, ...kept);
  chart.setAttribute("aria-busy", "false");
}

settle();
connect();
draw();
setInterval(watch, 1000);
