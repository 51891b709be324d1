"use strict";

(function () {
  const root = document.getElementById("live");
  const runningBox = document.getElementById("live-running");
  const endedBody = document.getElementById("live-ended");
  const idle = document.getElementById("live-idle");
  const connection = document.getElementById("live-connection");
  const dot = root.querySelector(".live-dot");
  const MAX_ENDED = 15;
  const REFRESH_EVERY_MS = 5000;
  const REFRESH_SOON_MS = 300;
  const SAY_LOST_AFTER_MS = 4000;
  const runs = new Map();
  const heardAt = new Map();
  let position = "0";
  let lostTimer = null;
  let soonTimer = null;

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function number(value) {
    return Number(value || 0).toLocaleString();
  }

  function runLink(run) {
    const link = element("a", run.type.replaceAll("_", " "));
    link.href = root.dataset.run.replace("00000000-0000-0000-0000-000000000000", run.run);
    return link;
  }

  function seconds(run) {
    if (run.duration_seconds !== null) return run.duration_seconds;
    return Math.max(0, (Date.now() - Date.parse(run.started_at)) / 1000);
  }

  function card(run) {
    const box = element("article", undefined, "live-card");
    box.dataset.run = run.run;
    const head = element("header");
    const title = element("div");
    title.append(runLink(run), element("span", ` ${[run.connection, run.trigger].filter(Boolean).join(", ")}`, "soft"));
    head.append(title, element("span", `${Math.round(seconds(run))} s`, "soft live-age"));
    const bar = element("div", undefined, "live-progress");
    bar.setAttribute("role", "progressbar");
    const fill = element("span");
    // What is expected is known a part at a time: all of it done says nothing about the parts to come.
    const known = run.expected > run.processed;
    if (known) {
      const share = (100 * run.processed) / run.expected;
      fill.style.width = `${share}%`;
      bar.setAttribute("aria-valuenow", String(Math.round(share)));
    } else {
      bar.classList.add("unknown");
    }
    bar.append(fill);
    const counts = element("div", undefined, "live-counts");
    const of = known ? ` of ${number(run.expected)}` : " done";
    counts.append(element("span", `${number(run.processed)}${of}`));
    for (const name of ["created", "updated", "unchanged", "skipped", "failed"]) {
      if (run[name]) counts.append(element("span", `${number(run[name])} ${name}`, name === "failed" ? "bad" : ""));
    }
    counts.append(element("span", run.phase || ""));
    box.append(head, bar, counts);
    return box;
  }

  function row(run) {
    const line = element("tr");
    line.dataset.run = run.run;
    const name = element("td");
    const when = new Date(run.started_at).toLocaleTimeString();
    name.append(runLink(run), element("span", ` ${[run.connection, when].filter(Boolean).join(", ")}`, "soft"));
    const status = element("td");
    const label = element("span", run.status_label, "live-status");
    label.dataset.status = run.status;
    status.append(label);
    line.append(name, status);
    for (const column of ["processed", "created", "updated", "unchanged", "failed"]) {
      line.append(element("td", number(run[column]), "num"));
    }
    line.append(element("td", seconds(run).toFixed(1), "num"), element("td", run.error_message || "", "message"));
    return line;
  }

  function draw() {
    const all = [...runs.values()];
    const running = all.filter((run) => run.status === "started");
    const ended = all.filter((run) => run.status !== "started");
    ended.sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
    for (const old of ended.slice(MAX_ENDED)) {
      runs.delete(old.run);
      heardAt.delete(old.run);
    }
    runningBox.replaceChildren(...running.map(card));
    endedBody.replaceChildren(...ended.slice(0, MAX_ENDED).map(row));
    idle.hidden = running.length > 0;
  }

  // What was heard while the state was being fetched is newer than the state.
  function take(state, askedAt) {
    const before = new Map(runs);
    runs.clear();
    for (const run of [...state.running, ...state.ended]) runs.set(run.run, newer(before.get(run.run), run));
    for (const [id, run] of before) {
      if (!runs.has(id) && heardAt.get(id) >= askedAt) runs.set(id, run);
    }
    showQueue(state.queue);
    draw();
  }

  function newer(known, run) {
    return known && known.status !== "started" && run.status === "started" ? known : run;
  }

  function showQueue(queue) {
    for (const cell of root.querySelectorAll("[data-queue]")) {
      const value = queue[cell.dataset.queue];
      cell.textContent = cell.dataset.queue === "oldest_wait_seconds" ? `${number(value)} s` : number(value);
    }
  }

  function hear(message) {
    const run = JSON.parse(message.data).payload;
    position = message.lastEventId;
    heardAt.set(run.run, performance.now());
    const before = runs.get(run.run);
    runs.set(run.run, newer(before, run));
    draw();
    if (!before || before.status !== run.status) refreshSoon();
  }

  // A run that starts or ends changes the queue's figures too.
  function refreshSoon() {
    soonTimer ??= setTimeout(() => {
      soonTimer = null;
      refresh();
    }, REFRESH_SOON_MS);
  }

  function say(state, text) {
    clearTimeout(lostTimer);
    lostTimer = null;
    dot.dataset.connection = state;
    connection.textContent = text;
  }

  // The server ends each connection after a while; only one that does not come back is worth a word.
  function sayLostSoon() {
    lostTimer ??= setTimeout(() => say("lost", "connection lost, trying again…"), SAY_LOST_AFTER_MS);
  }

  function listen() {
    const after = encodeURIComponent(position);
    const source = new EventSource(`${root.dataset.events}?channel=dashboard&after=${after}`);
    source.onopen = () => say("open", "live");
    source.onerror = () => {
      sayLostSoon();
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    };
    for (const kind of ["sync.started", "sync.progress", "sync.completed", "sync.failed"]) {
      source.addEventListener(kind, hear);
    }
  }

  async function refresh() {
    if (document.hidden) return;
    const askedAt = performance.now();
    try {
      const response = await fetch(root.dataset.state, { credentials: "same-origin" });
      if (response.ok) take(await response.json(), askedAt);
    } catch (error) {
      sayLostSoon();
    }
  }

  const first = JSON.parse(document.getElementById("live-state").textContent);
  position = first.position;
  take(first, 0);
  listen();
  setInterval(refresh, REFRESH_EVERY_MS);
  setInterval(draw, 1000);
})();
