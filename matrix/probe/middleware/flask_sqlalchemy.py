"""Flask-SQLAlchemy: `SQLALCHEMY_DATABASE_URI = target`, in an app of its own for each session.

The options are SQLALCHEMY_ENGINE_OPTIONS, written as for the middleware `sqlalchemy`. The app is a
module in the case's directory, so that its instance folder is `instance` there.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import flask
import flask_sqlalchemy

from . import sqlalchemy

check = sqlalchemy.check


def version() -> str:
    below = tuple(metadata.version(name) for name in ("sqlalchemy", "flask"))
    return metadata.version("flask-sqlalchemy") + " (SQLAlchemy %s, Flask %s)" % below


class Session(sqlalchemy.Session):
    """The engine of an app's extension."""

    directory = "instance"

    def create_engine(self) -> Any:
        app = flask.Flask("app_of_a_case")
        app.config["SQLALCHEMY_DATABASE_URI"] = self._target
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = self._arguments()
        database = flask_sqlalchemy.SQLAlchemy(app)
        with app.app_context():
            return database.engine
