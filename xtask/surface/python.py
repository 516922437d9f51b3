"""Writes the public API of the Python package, as its sources and stubs say it: python python.py SOURCES FILE.

Public is what `__all__` lists, or has no underscore where there is no such list. What a private base class brings is
shown in the class that has it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

PACKAGE = "ssf_transmitter"
# What callers do not meet: how a keyword that is unknown is refused, and how an object is made.
WITHIN = {"known_keywords", "__post_init__", "__slots__"}


def modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """A module and those in it, without the private ones."""
    yield module
    for name, member in sorted(module.members.items()):
        if isinstance(member, griffe.Module) and not name.startswith("_"):
            yield from modules(member)


def public(module: griffe.Module) -> list[griffe.Object | griffe.Alias]:
    names = module.exports
    if names is None:
        return [it for _, it in sorted(module.members.items()) if it.is_public and not it.is_module]
    return [module.members[str(name)] for name in sorted(map(str, names)) if str(name) in module.members]


def render(it: griffe.Object | griffe.Alias, homes: dict[str, str], indent: str = "") -> Iterator[str]:
    if it.is_class:
        yield from render_class(it, homes, indent)
    elif it.is_function:
        yield from render_function(it, indent)
    elif it.is_attribute:
        yield f"{indent}{attribute(it)}"
    else:
        sys.exit(f"{it.path}: a {it.kind.value} is not foreseen here")


def render_class(it: griffe.Class | griffe.Alias, homes: dict[str, str], indent: str) -> Iterator[str]:
    yield from decorators(it, indent)
    arguments = [*map(str, it.bases), *(f"{name}={value}" for name, value in it.keywords.items())]
    yield f"{indent}class {it.name}({', '.join(arguments)}):" if arguments else f"{indent}class {it.name}:"
    before = list(it.members)
    members = {name: member for name, member in it.all_members.items() if shown(name, member, it, homes)}
    # Fields of a dataclass are parameters in the order of the source.
    order = sorted(members, key=lambda name: (0, before.index(name)) if name in before else (1, name))
    lines = [line for name in order for line in render(members[name], homes, f"{indent}    ")]
    yield from lines or [f"{indent}    ..."]


def shown(name: str, member: griffe.Object | griffe.Alias, of: griffe.Object, homes: dict[str, str]) -> bool:
    """Whether a class shows a member: its own, or one of a base that is shown nowhere."""
    special = name.startswith("__") and name.endswith("__")
    if name in WITHIN or (name.startswith("_") and not special):
        return False
    if name in of.members:
        return True
    # A base that refuses unknown keywords has one.
    if name == "__new__" and "__init__" in of.members:
        return False
    owner = member.final_target.parent if isinstance(member, griffe.Alias) else member.parent
    return owner.canonical_path not in homes


def render_function(it: griffe.Function | griffe.Alias, indent: str) -> Iterator[str]:
    for function in it.overloads or [it]:
        yield from decorators(function, indent)
        word = "async def" if "async" in function.labels else "def"
        yield f"{indent}{word} {function.signature(return_type=True)}"


def attribute(it: griffe.Attribute | griffe.Alias) -> str:
    annotation = f": {it.annotation}" if it.annotation is not None else ""
    settable = "" if "property" not in it.labels else " (settable)" if "writable" in it.labels else " (property)"
    typed = "TypeAlias" in annotation or "field" in it.labels or not annotation
    value = f" = {it.value}" if it.value is not None and typed and not settable else ""
    return f"{it.name}{annotation}{value}{settable}"


def decorators(it: griffe.Object | griffe.Alias, indent: str) -> Iterator[str]:
    for decorator in it.decorators:
        if decorator.callable_path.rpartition(".")[2] not in WITHIN:
            yield f"{indent}@{decorator.value}"


def main(sources: str, file: str) -> None:
    package = griffe.load(PACKAGE, search_paths=[sources], allow_inspection=False)
    found = [(module.path, public(module)) for module in modules(package)]
    # The first module that has it is where it is shown; the package is before its modules.
    homes: dict[str, str] = {}
    for path, members in found:
        for member in members:
            homes.setdefault(member.canonical_path, f"{path}.{member.name}")
    lines = []
    for path, members in found:
        lines += [f"# {path}", ""]
        for member in members:
            home = homes[member.canonical_path]
            is_here = home == f"{path}.{member.name}"
            lines += [*render(member, homes), ""] if is_here else [f"{member.name} = {home}", ""]
    Path(file).write_text("\n".join(lines), encoding="utf-8")


main(*sys.argv[1:])
