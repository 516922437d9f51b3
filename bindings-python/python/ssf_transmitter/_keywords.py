"""Rejects unexpected arguments by name, with a suggested keyword, on every version of Python."""

from __future__ import annotations

from collections import abc
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar

from ssf_transmitter import _native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import ParamSpec

    Parameters = ParamSpec("Parameters")

Result = TypeVar("Result")


def unexpected(function: str, given: Iterable[str], known: Iterable[str]) -> TypeError:
    """The error for an unknown keyword."""
    known = list(known)
    name = next(name for name in given if name not in known)
    meant = _native.nearest(name, known)
    hint = f"; did you mean {meant!r}?" if meant else f"; known are {', '.join(known)}"
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}")


def known_keywords(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Makes a function reject unknown keywords with a hint, and values of a wrong type by name.

    Nothing is checked until Python itself has rejected the call.
    """

    @wraps(function)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            raise _better(error, function, args, kwargs) from error.__cause__

    @wraps(function)
    async def checked_async(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Any:
        try:
            return await function(*args, **kwargs)  # type: ignore[misc]
        except TypeError as error:
            raise _better(error, function, args, kwargs) from error.__cause__

    return checked_async if iscoroutinefunction(function) else checked  # type: ignore[return-value]


def _better(
    error: TypeError, function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> TypeError:
    """The error that names the wrong argument, or the original error if it is not about an argument."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if not kwargs.keys() <= set(names):
        shown = [name for name in names if name not in ("self", "cls")]
        # A constructor may be that of a base class.
        made = type(args[0]).__name__ if function.__name__ == "__init__" else None
        return unexpected(made or function.__qualname__.removesuffix(".__new__"), kwargs, shown)
    positional = dict(zip(names[: code.co_argcount], args, strict=False))
    return _blame(function, {**positional, **kwargs}) or error


def _blame(function: Callable[..., object], given: dict[str, object]) -> TypeError | None:
    """The error that names the first argument whose type does not match its annotation."""
    for name, annotation in function.__annotations__.items():
        if name in given and not any(_fits(given[name], part.strip()) for part in _parts(annotation)):
            expected = annotation.replace("Mapping[str, object]", "dict")
            return TypeError(f"{name}: expected {expected}, got {type(given[name]).__name__}")
    return None


def _parts(annotation: str) -> list[str]:
    """The members of a union at the top level of an annotation, without the parts in brackets."""
    parts, depth = [""], 0
    for letter in annotation:
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            parts.append("")
        elif depth == 0 and letter != "]":
            parts[-1] += letter
    return parts


def _fits(value: object, name: str) -> bool:
    if name == "None":
        return value is None
    if name in ("Literal", "Algorithm", "KeyType"):
        return isinstance(value, str)
    if name == "float" and isinstance(value, int):
        return not isinstance(value, bool)
    kind = getattr(abc, name, None)
    if kind is not None:
        return isinstance(value, kind) and not isinstance(value, (str, bytes))
    return any(base.__name__ == name for base in type(value).__mro__)
