// Closes an open <details class="op-menu"> when somebody clicks elsewhere or presses Escape.
"use strict";

(() => {
    function close(except) {
        for (const menu of document.querySelectorAll("details.op-menu[open]")) {
            if (!menu.contains(except)) menu.open = false;
        }
    }

    document.addEventListener("click", (event) => close(event.target));
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") close(null);
    });
})();
