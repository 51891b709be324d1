"""Invented people, places and logins of the simulated installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Planner:
    """Someone who checks jobs out.

    Attributes:
        username: Windows-style login, as in SS_TAKENBY.
        name: display name, as in VEGUNIT_FORESTER.
        known: a demo should create a user with this ``ws_username``.
    """

    username: str
    name: str
    known: bool


@dataclass(frozen=True, slots=True)
class Login:
    """An account of the simulated server.

    Attributes:
        username: ``DOMAIN\\user``, compared without regard to case.
        password: compared exactly.
        regions: names of the regions whose assessments it sees; None for all.
    """

    username: str
    password: str
    regions: tuple[str, ...] | None = None

    def sees(self, region: object) -> bool:
        """Tell whether assessments of a region are visible to this login."""
        if self.regions is None:
            return True
        return isinstance(region, str) and region.casefold() in {name.casefold() for name in self.regions}


KNOWN_PLANNERS = (
    Planner("TREECO\\mvance", "Morgan Vance", True),
    Planner("UTILNET\\s.okafor@utility.example", "Sam Okafor", True),
    Planner("TREECO\\north crew 12", "North Crew 12", True),
    Planner("UTILNET\\a.petrov@utility.example", "Alex Petrov", True),
    Planner("TREECO\\jlindqvist", "Jules Lindqvist", True),
    Planner("OAKLINE\\d.moreau", "Dominique Moreau", True),
)
UNKNOWN_PLANNERS = (
    Planner("TREECO\\rhale", "Rowan Hale", False),
    Planner("TREECO\\south crew 3", "South Crew 3", False),
    Planner("OAKLINE\\k.tanaka", "Kei Tanaka", False),
    Planner("OAKLINE\\crew lead 07", "Crew Lead 07", False),
    Planner("UTILNET\\p.novak@utility.example", "Pat Novak", False),
    Planner("UTILNET\\contract.temp9", "Contract Temp 9", False),
    Planner("BRUSHCO\\e.iversen", "Emery Iversen", False),
    Planner("BRUSHCO\\field tablet 4", "Field Tablet 4", False),
)
PLANNERS = KNOWN_PLANNERS + UNKNOWN_PLANNERS
"""Every planner that generated circuits can be taken by."""

SERVICE_USERNAME = "TREECO\\svc.sync"
REGIONAL_USERNAME = "UTILNET\\s.okafor@utility.example"
PASSWORD = "sandbox-password"  # noqa: S105 the simulator's own
DEFAULT_LOGINS = (
    Login(SERVICE_USERNAME, PASSWORD),
    Login(REGIONAL_USERNAME, PASSWORD, ("North Fork", "River Bend")),
)

REGIONS = (
    "North Fork",
    "River Bend",
    "South Mesa",
    "Lakeside",
    "Outer Territory",
    "Cedar Flats",
    "Juniper Ridge",
    "Copper Basin",
    "Prairie View",
    "Stony Creek",
    "Harbor Point",
    "High Plains",
)
"""Regions of generated circuits; the product creates the first four beforehand."""

FORESTERS = (
    "Robin Example ",
    "Renée Sample",
    "Dana Placeholder ",
    "Casey Specimen",
    "Noor Instance ",
    "Lee Template",
)
CONTRACTORS = ("TREECO", "Treeco", "OAKLINE", "Oakline", "BRUSHCO", "OTHERTREE_NW", "")
