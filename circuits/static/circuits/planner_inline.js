// Gives the search box of a user's select to rows that are added to the planners of a circuit.
"use strict";

document.addEventListener("formset:added", (event) => {
    django.jQuery(event.target).find(".unfold-admin-autocomplete").djangoCustomSelect2();
});
