"""How the admin looks: names, colors, and the way around in it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

ENVIRONMENT_TONES = {"development": "info", "qa": "warning", "production": "danger"}


def environment(request: HttpRequest) -> list[str]:
    """The label in the page's head: which installation this is, so that nobody mistakes one for another."""
    from django.conf import settings

    return [settings.ENVIRONMENT, ENVIRONMENT_TONES.get(settings.ENVIRONMENT, "info")]


def may_view(permission: str) -> Callable[[HttpRequest], bool]:
    """Whether the user has a permission, as the sidebar asks."""
    return lambda request: request.user.has_perm(permission)


def asset(path: str) -> Callable[[HttpRequest], str]:
    """The address of a static file, known only once storage is set up."""
    return lambda request: static(path)


def page(title: str, icon: str, model: str, **extra: Any) -> dict[str, Any]:
    """A sidebar entry for the list of a model (`app.model`), for those who may view it."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": may_view(f"{app}.view_{name}"),
        **extra,
    }


def is_connections(request: HttpRequest) -> bool:
    """Whether this page is the list of connections or one of them; the schedules live below its address."""
    below = str(reverse_lazy("admin:integrations_integration_changelist"))
    return request.path.startswith(below) and not request.path.endswith("/schedules/")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar, with the number of open alerts beside theirs when there are any. One query."""
    count = open_alerts(request)
    if not count:
        return NAVIGATION
    link = str(reverse_lazy("admin:synclogs_alert_changelist"))
    return [
        {
            **group,
            "items": [
                item | {"badge": count, "badge_variant": "danger"} if str(item["link"]) == link else item
                for item in group["items"]
            ],
        }
        for group in NAVIGATION
    ]


def open_alerts(request: HttpRequest) -> int:
    """How many alerts are open, of those that this user may see; asked once a request."""
    from accounts.models import User
    from synclogs.admin.alert_cells import visible_alerts
    from synclogs.models import AlertState

    user = request.user
    if not isinstance(user, User) or not user.has_perm("synclogs.view_alert"):
        return 0
    count: int | None = getattr(request, "_open_alerts", None)
    if count is None:
        count = visible_alerts(user).filter(state=AlertState.OPEN).count()
        request._open_alerts = count  # type: ignore[attr-defined]
    return count


ALERT = "synclogs.alert"
NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            {"title": "Dashboard", "icon": "space_dashboard", "link": reverse_lazy("admin:index")},
            {"title": "Live", "icon": "monitor_heart", "link": reverse_lazy("operations:live")},
        ]
    },
    {
        "title": "Circuits",
        "separator": True,
        "items": [
            page("Circuits", "route", "circuits.circuit"),
            page("Unlinked planners", "person_alert", "circuits.unlinkedplanner"),
            page("Planned units", "forest", "circuits.circuitaggregate"),
            page("Snapshots", "timeline", "circuits.circuitsnapshot"),
            page("Regions", "map", "circuits.region"),
            page("Unit types", "straighten", "circuits.unittype"),
            page("Status settings", "tune", "circuits.apistatusconfig"),
        ],
    },
    {
        "title": "ServiceTitan",
        "separator": True,
        "items": [
            page("Credentials", "vpn_key", "servicetitan.servicetitancredential"),
            page("Customers", "groups", "servicetitan.servicetitancustomer"),
            page("Invoices", "receipt_long", "servicetitan.servicetitaninvoice"),
        ],
    },
    {
        "title": "Zuora",
        "separator": True,
        "items": [
            page("Customers", "apartment", "zuora.zuoracustomer"),
            page("Workflows", "account_tree", "zuora.workflow"),
            page("Workflow runs", "play_circle", "zuora.workflowrun"),
        ],
    },
    {
        "title": "Activity",
        "separator": True,
        "items": [
            page("Events", "bolt", "integrations.event"),
            page("Objects", "category", "integrations.eventobject"),
        ],
    },
    {
        "title": "Syncs",
        "separator": True,
        "items": [
            page("Runs", "sync", "synclogs.synclog"),
            page("Jobs", "work_history", "synclogs.job"),
            page("Alerts", "notifications", ALERT),
            page("Commands", "terminal", "synclogs.commandexecution"),
            {
                "title": "Schedules",
                "icon": "schedule",
                "link": reverse_lazy("admin:integrations_integration_schedules"),
                "permission": may_view("integrations.view_integration"),
            },
            page("Webhooks", "webhook", "integrations.webhookdelivery"),
            page("Connections", "hub", "integrations.integration", active=is_connections),
            page("Payloads", "inventory_2", "integrations.rawpayload"),
            page("Credentials", "key", "integrations.credential"),
            page("OAuth applications", "app_registration", "integrations.oauthapplication"),
            page("Call budgets", "speed", "integrations.ratebudget"),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [
            page("Accounts", "domain", "accounts.account"),
            page("Users", "group", "accounts.user"),
            page("Roles", "badge", "auth.group"),
            page("Changes made", "history", "admin.logentry"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "syncplatform",
    "SITE_HEADER": "syncplatform",
    "SITE_SUBHEADER": "Operations",
    "SITE_SYMBOL": "sync_alt",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": asset("synclogs/favicon.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "syncplatform.unfold.environment",
    "DASHBOARD_CALLBACK": "operations.dashboard.dashboard",
    "STYLES": [asset("synclogs/admin.css")],
    "SCRIPTS": [asset("synclogs/live.js"), asset("synclogs/menu.js")],
    "COLORS": {
        "base": {
            "50": "oklch(98.4% .003 247.858)",
            "100": "oklch(96.8% .007 247.896)",
            "200": "oklch(92.9% .013 255.508)",
            "300": "oklch(86.9% .022 252.894)",
            "400": "oklch(70.4% .04 256.788)",
            "500": "oklch(55.4% .046 257.417)",
            "600": "oklch(44.6% .043 257.281)",
            "700": "oklch(37.2% .044 257.287)",
            "800": "oklch(27.9% .041 260.031)",
            "900": "oklch(20.8% .042 265.755)",
            "950": "oklch(12.9% .042 264.695)",
        },
        "primary": {
            "50": "oklch(98.4% .014 180.72)",
            "100": "oklch(95.3% .051 180.801)",
            "200": "oklch(91% .096 180.426)",
            "300": "oklch(85.5% .138 181.071)",
            "400": "oklch(77.7% .152 181.912)",
            "500": "oklch(66% .13 184)",
            "600": "oklch(51.1% .096 186.391)",
            "700": "oklch(43.7% .078 188.216)",
            "800": "oklch(38.6% .063 188.416)",
            "900": "oklch(33% .055 190)",
            "950": "oklch(27.7% .046 192.524)",
        },
    },
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": navigation},
    "COMMAND": {"search_callback": "circuits.admin.search.find"},
}
