"""Every name a template may ask for has to be given, whether the branch that asks for it is taken this time or not.

A name that is missing is found out by whoever is the first to see that branch: in a test that looked away, or on duty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, Template, nodes
from jinja2.meta import find_undeclared_variables

if TYPE_CHECKING:
    from collections.abc import Mapping


def free_names(environment: Environment, name: str) -> set[str]:
    """The names that a template with all it is made of asks its page for; ``x is defined`` may go without."""
    assert environment.loader is not None
    ast = environment.parse(environment.loader.get_source(environment, name)[0])
    names = find_undeclared_variables(ast)
    asked_whether = {
        test.node.name
        for test in ast.find_all(nodes.Test)
        if test.name == "defined" and isinstance(test.node, nodes.Name)
    }
    own = {macro.name for macro in ast.find_all(nodes.Macro)}
    own |= {each.name for each in ast.find_all(nodes.Name) if each.ctx in {"store", "param"}}
    own |= {one for each in ast.find_all(nodes.FromImport) for one in each.names if isinstance(one, str)}
    for made_of in ast.find_all((nodes.Include, nodes.Extends, nodes.FromImport, nodes.Import)):
        assert isinstance(made_of.template, nodes.Const), (
            f"{name} is made of templates it finds out while it is written"
        )
        names |= free_names(environment, made_of.template.value)
    return names - own - asked_whether - set(environment.globals)


def given_all(environment: Environment, may_lack: Mapping[str, frozenset[str]]) -> None:
    """Let every template of an environment refuse to be written without all the names it may ask for.

    ``may_lack``: names that only some of the pages of a template have, in branches only those take.
    """
    free: dict[str, set[str]] = {}

    class Exact(Template):
        def render(self, *args: Any, **kwargs: Any) -> str:
            name = str(self.name)
            if name not in free:
                free[name] = free_names(environment, name) - may_lack.get(name, frozenset())
            missing = free[name] - set(dict(*args, **kwargs))
            assert not missing, f"{name} asks for {', '.join(sorted(missing))}, which its page does not pass"
            return super().render(*args, **kwargs)

    environment.template_class = Exact
    if environment.cache is not None:
        environment.cache.clear()
