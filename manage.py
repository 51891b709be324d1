#!/usr/bin/env python
"""Django's command-line utility for syncplatform."""

import os
import sys


def main() -> None:
    """Run one management command; a configuration that cannot run ends with exit code 2 and no traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncplatform.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from syncplatform.env_reader import ConfigurationError

    try:
        _ = settings.INSTALLED_APPS
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
