"""Job classes by name: a Job row stores the name, the worker finds the class here."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from integrations.jobs.base import BaseJob

JobT = TypeVar("JobT", bound="BaseJob")

_classes: dict[str, type[BaseJob]] = {}


class UnknownJob(LookupError):
    """A Job row names a class that this installation does not have."""


def register_job(cls: type[JobT]) -> type[JobT]:
    """Class decorator: make a job class known by its `name`, which must be unique."""
    known = _classes.get(cls.name)
    if known is not None and known.__qualname__ != cls.__qualname__:
        raise ValueError(f"two job classes are called {cls.name!r}: {known} and {cls}")
    _classes[cls.name] = cls
    return cls


def job_class(name: str) -> type[BaseJob]:
    """The class registered under `name`. Raises UnknownJob with the names that exist."""
    try:
        return _classes[name]
    except KeyError:
        raise UnknownJob(f"no job class is called {name!r}; known: {', '.join(sorted(_classes))}") from None


def job_class_of(provider: str, job_type: str) -> type[BaseJob] | None:
    """The class of this provider for this type of job; None when there is none."""
    found = (cls for cls in _classes.values() if (cls.provider, cls.job_type) == (provider, job_type))
    return next(found, None)


def job_names() -> list[str]:
    """Every registered name, sorted."""
    return sorted(_classes)


def short_job_names() -> list[str]:
    """The names of the short classes, sorted."""
    return sorted(name for name, cls in _classes.items() if cls.short)
