"""Keywords that nobody knows: refused with the one that may have been meant, on every version of Python."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import ParamSpec

    Parameters = ParamSpec("Parameters")

Result = TypeVar("Result")


def unexpected(function: str, given: Iterable[str], known: Iterable[str]) -> TypeError:
    """The error for keywords of which one is not known."""
    from difflib import get_close_matches  # slow to import, and seldom needed

    known = list(known)
    name = next(name for name in given if name not in known)
    meant = get_close_matches(name, known, n=1)
    hint = f"; did you mean {meant[0]!r}?" if meant else f"; known are {', '.join(known)}"
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")


def known_keywords(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Lets a function refuse keywords that it does not know with a hint."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    known = frozenset(names)
    hidden = {"self", "cls"}

    @wraps(function)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if not known.issuperset(kwargs):
            shown = [name for name in names if name not in hidden]
            raise unexpected(function.__qualname__.removesuffix(".__new__").removesuffix(".__init__"), kwargs, shown)
        return function(*args, **kwargs)

    return checked
