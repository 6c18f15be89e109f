"""One line for a person out of an error that has many, or none."""

from __future__ import annotations


def first_problem(error: BaseException) -> str:
    """What is wrong first: `key.part: message` of data that does not fit its schema, else the first line that it says.

    The name of its class for an error that says nothing.
    """
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"]))
        return f"{where}: {found['msg']}" if where else found["msg"]
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
