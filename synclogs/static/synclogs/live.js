// Keeps pages true without reloading them.
//
// <div data-live="URL">: asks URL every two seconds for {open, every, parts}. Each part replaces the content of
// the elements with that data-part, when it differs. Asks no more when `open` is false, less often after errors,
// and not at all while the page is hidden.
// <time data-ago datetime="...">: says how long ago that was, in the words of synclogs/admin/words.py.
"use strict";

(() => {
    const EVERY = 2000;
    const SLOWEST = 60000;

    function apply(parts, shown) {
        for (const [name, html] of Object.entries(parts)) {
            if (shown.get(name) === html) continue;
            shown.set(name, html);
            for (const element of document.querySelectorAll(`[data-part="${CSS.escape(name)}"]`)) {
                element.innerHTML = html;
            }
        }
    }

    async function ask(url) {
        const answer = await fetch(url, {headers: {Accept: "application/json"}, credentials: "same-origin"});
        const isJson = (answer.headers.get("content-type") || "").startsWith("application/json");
        if (answer.redirected || answer.status === 403 || answer.status === 404) return {open: false, parts: {}};
        if (!answer.ok || !isJson) throw new Error(`unexpected answer ${answer.status}`);
        return answer.json();
    }

    function follow(element) {
        const shown = new Map();
        let failures = 0;

        async function step() {
            if (document.hidden) {
                document.addEventListener("visibilitychange", step, {once: true});
                return;
            }
            let wait = EVERY;
            try {
                const answer = await ask(element.dataset.live);
                failures = 0;
                apply(answer.parts, shown);
                element.dataset.liveState = answer.open ? "open" : "over";
                if (!answer.open) return;
                wait = answer.every || EVERY;
            } catch {
                failures += 1;
                element.dataset.liveState = "failing";
                wait = Math.min(SLOWEST, EVERY * 2 ** failures);
            }
            setTimeout(step, wait);
        }

        setTimeout(step, EVERY);
    }

    function ago(moment) {
        const seconds = (Date.now() - moment) / 1000;
        const distance = Math.abs(seconds);
        if (distance < 5) return seconds >= 0 ? "just now" : "in a moment";
        let text;
        if (distance < 60) text = `${Math.round(distance)} s`;
        else if (distance < 3600) text = `${Math.floor(distance / 60)} min`;
        else if (distance < 86400) text = `${Math.floor(distance / 3600)} h`;
        else {
            const days = Math.floor(distance / 86400);
            text = `${days.toLocaleString("en-US")} ${days === 1 ? "day" : "days"}`;
        }
        return seconds >= 0 ? `${text} ago` : `in ${text}`;
    }

    function tick() {
        for (const element of document.querySelectorAll("time[data-ago]")) {
            const text = ago(new Date(element.dateTime));
            if (element.textContent !== text) element.textContent = text;
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        for (const element of document.querySelectorAll("[data-live]")) follow(element);
        setInterval(tick, 10000);
    });
})();
