"""How gunicorn serves the site: `gunicorn -c python:syncplatform.web_server`.

docs/webhooks.md, "The server", says why so.
"""

from syncplatform.env import load

_env = load()

wsgi_app = "syncplatform.asgi:application"
bind = _env["WEB_BIND"]
workers = _env["WEB_WORKERS"]
worker_class = "syncplatform.web_protocol.Worker"
raw_env = ["SYNCPLATFORM_PROCESS=web"]
backlog = 1024
keepalive = 15
timeout = 60
graceful_timeout = 30
accesslog = None
loglevel = "warning"
