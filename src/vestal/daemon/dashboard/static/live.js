// What a page shows stays true. The server renders; this fetches the parts that may have changed and puts them in place,
// keeps times and bars going by the server's clock, and says whether it hears. Without it everything works, on a reload.

const root = document.documentElement;
const main = document.getElementById("main");
const { events, fragment, kinds } = main.dataset;
const byName = "each" in main.dataset; // the fragment takes the names of what may have changed
const SETTLE = 150, REST = 5_000, LOOK = 20_000, AGAIN = 5_000, OFTEN = 2_500; // milliseconds

// Time, by the server's clock: it was `now` when the answer began to come.

const arrived = performance.getEntriesByType("navigation")[0]?.responseStart ?? performance.now();
const ahead = Number(root.dataset.now) - (performance.timeOrigin + arrived) / 1000;
const now = () => Date.now() / 1000 + ahead;

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function span(seconds, most = 2) {
  let left = Math.max(Math.trunc(seconds), 0);
  const parts = [];
  for (const [name, size] of UNITS) {
    const count = Math.trunc(left / size);
    left %= size;
    if (count) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, most).join(" ") || "0 s";
}

const FORMS = {
  ago: (at) => (now() - at < 5 ? "just now" : `${span(now() - at, now() - at < 3600 ? 1 : 2)} ago`),
  left: (at, past) => (at > now() ? span(at - now()) : past),
  soon: (at, past) => (at - now() >= 1 ? `in ${span(at - now(), 1)}` : past),
  for: (at) => span(now() - at),
};

function tick(within = document) {
  for (const time of within.querySelectorAll("time[data-at]")) {
    const at = Number(time.dataset.at);
    const text = FORMS[time.dataset.form](at, time.dataset.past);
    if (time.textContent.trim() !== text) time.textContent = text;
    if ("past" in time.dataset && at <= now() && at > now() - 3) touch(time); // its part says something else now
  }
  for (const bar of within.querySelectorAll("progress[data-ends]")) {
    const left = Math.min(Math.max(Number(bar.dataset.ends) - now(), 0), bar.max);
    if (Math.abs(bar.value - left) * 1000 > bar.max || left === 0) bar.value = left; // what can be seen
    bar.textContent = span(left);
  }
}

function localise(within) {
  for (const time of within.querySelectorAll("time[title]")) time.title = new Date(time.dateTime).toLocaleString();
}

// Parts of the page, by their keys.

const parts = () => new Map([...document.querySelectorAll("[data-key]")].map((part) => [part.dataset.key, part]));

const version = (head) => head.dataset.stamp.split(" ").at(-1); // what was said of one token is not true of the next

function put(old, fresh) {
  const selection = getSelection();
  if (selection && !selection.isCollapsed && old.contains(selection.anchorNode)) return; // somebody is about to copy it
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  for (const open of old.querySelectorAll("details[open][id]")) {
    const again = fresh.querySelector(`#${open.id}`);
    if (again) again.open = true;
  }
  if (fresh.dataset.stamp !== old.dataset.stamp) {
    fresh.classList.add("changed");
  }
  if (old.dataset.key === "~head" && version(old) !== version(fresh)) document.querySelector("main > .notice")?.remove();
  tell(fresh);
  old.replaceWith(fresh);
  localise(fresh);
  tick(fresh);
  if (focused) find(fresh, focused)?.focus({ preventScroll: true });
}

function find(within, like) {
  if (like.id) return within.querySelector(`#${CSS.escape(like.id)}`);
  const href = like.getAttribute("href");
  return href && within.querySelector(`[href="${CSS.escape(href)}"]`);
}

// To those who listen to the page: few words, and not many at once.

const said = document.getElementById("said");
const known = new Map();
let waiting = [], speaking;

function tell({ dataset: { key, said: text } }) {
  if (!text || known.get(key) === text) return;
  if (known.has(key)) say(text);
  known.set(key, text);
}

function say(text) {
  waiting.push(text);
  speaking ??= setTimeout(() => {
    said.textContent = waiting.length > 2 ? `${waiting.length} ${said.dataset.many}` : waiting.join(". ");
    [waiting, speaking] = [[], undefined];
  }, 1000);
}

for (const part of parts().values()) tell(part);

// Fetching: what happens within a moment is one question, and there is never more than one.

const keys = new Set(parts().keys()); // a page keeps its parts: what is in them changes
let wanted = new Set(), all = false, timer, due = Infinity, asked = -REST, busy = false;

function touch(element) {
  const key = element.closest("[data-key]")?.dataset.key;
  if (key && events) want(key);
}

function want(name) {
  const shown = !byName || name === undefined || keys.has(name);
  if (name === undefined) all = true;
  else if (shown) wanted.add(name);
  plan(Math.max(performance.now() + SETTLE, asked + (shown ? SETTLE : REST))); // for others only the counts have changed
}

function plan(at) {
  if (at >= due) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(refetch, at - performance.now());
}

async function refetch() {
  due = Infinity;
  if (document.hidden || !fragment) return;
  if (busy) return plan(performance.now() + SETTLE);
  busy = true;
  asked = performance.now();
  const address = new URL(fragment, location.href);
  if (byName) {
    const names = all ? keys : wanted;
    for (const name of names) if (!name.startsWith("~")) address.searchParams.append("name", name);
  }
  [wanted, all] = [new Set(), false];
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(30_000) });
    if (answer.status === 401) return location.reload(); // the session is over: the page says how to get in
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // It is asked again with the next event, or when the daemon is back.
  } finally {
    busy = false;
  }
}

function take(fresh) {
  const old = parts();
  for (const part of [...fresh.querySelectorAll("[data-key]")]) {
    const place = old.get(part.dataset.key);
    if (!place) continue;
    if ("total" in part.dataset && (part.dataset.total === "0") !== (place.dataset.total === "0")) return location.reload();
    if (part.dataset.title) document.title = part.dataset.title;
    put(place, document.adoptNode(part));
  }
}

// Listening. A hidden page lets go of its stream: a browser has six connections to a server, for all of its tabs.

const mark = document.getElementById("live");
let stream, again, before = false;

function show(state) {
  mark.hidden = false;
  mark.textContent = mark.dataset[state];
  mark.classList.toggle("on", state === "live");
  root.classList.toggle("stale", state === "waiting");
}

function listen() {
  clearTimeout(again);
  stream?.close();
  stream = new EventSource(events);
  stream.onopen = () => {
    show("live");
    if (before) want();
    before = true;
  };
  stream.onerror = () => {
    show("waiting");
    if (stream.readyState === EventSource.CLOSED) again = setTimeout(() => (want(), listen()), AGAIN);
  };
  stream.addEventListener("lost", () => want());
  for (const kind of kinds.split(" ")) {
    stream.addEventListener(kind, (event) => want(JSON.parse(event.data).credential));
  }
}

function pause() {
  clearTimeout(again);
  stream?.close();
  show("paused");
}

if (events) {
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : (tick(), listen())));
  addEventListener("pagehide", () => stream?.close());
  if (!document.hidden) listen();
  setInterval(() => want(), "often" in main.dataset ? OFTEN : LOOK); // other processes change the store as well
}
setInterval(() => document.hidden || tick(), 1000);
tick();
localise(document);

// A message is said once.

const here = new URL(location.href);
if (here.searchParams.has("done") || here.searchParams.has("go")) {
  here.searchParams.delete("done");
  here.searchParams.delete("go");
  history.replaceState(null, "", here);
}

// Light or dark. What the system has is not kept: it may change.

const theme = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

theme.hidden = false;
theme.addEventListener("click", () => {
  const chosen = dark() ? "light" : "dark";
  const same = (chosen === "dark") === system.matches;
  if (same) delete root.dataset.theme;
  else root.dataset.theme = chosen;
  try {
    if (same) localStorage.removeItem("vestal-theme");
    else localStorage.setItem("vestal-theme", chosen);
  } catch {
    // No storage: it is so until the page is left.
  }
});

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey) return;
  const field = document.querySelector("[data-hotkey='/']");
  if (field) event.preventDefault(), field.focus();
});
