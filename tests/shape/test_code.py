"""The layout keeps its promises: sizes, names, imports, and the few places that may do a dangerous thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("kernel", "accounts", "labs", "experts", "agreements", "payments", "tasks", "marketplace")
MOST_FILE_LINES, MOST_FUNCTION_LINES = 400, 60
VAGUE = {"utils.py", "helpers.py", "common.py", "misc.py"}
OPENS_SEALED = {
    "agreements/gate.py",
    "kernel/sealing.py",
    "accounts/adapter.py",
}  # The last: secrets of one-time codes.
SPEAKS_TO_OTHERS = {
    "kernel/outbound.py",  # Strangers.
    "payments/gateways/stripe.py",  # Stripe.
    "marketplace/demo.py",  # Its own processes, to see whether they answer.
    "marketplace/embedded.py",  # The Valkey that it started.
}
NETWORK = {"socket", "http.client", "urllib.request", "requests", "httpx", "aiohttp", "urllib3", "stripe"}


def sources() -> Iterator[tuple[str, ast.Module, str]]:
    """Give every module of ours: its path, its tree, its text."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name:
                text = path.read_text()
                yield name, ast.parse(text), text


def imported(node: ast.AST) -> set[str]:
    """Return the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return set()


def test_no_file_is_longer_than_a_reader_bears() -> None:
    lengths = {name: text.count("\n") for name, _, text in sources()}

    assert {name: lines for name, lines in lengths.items() if lines > MOST_FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    found = {
        f"{name}:{node.name}": node.end_lineno - node.lineno + 1
        for name, tree, _ in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }

    assert {function: lines for function, lines in found.items() if lines > MOST_FUNCTION_LINES} == {}


def test_nothing_is_imported_inside_a_function() -> None:
    found = [
        f"{name}:{inner.lineno}"
        for name, tree, _ in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert found == []


def test_no_import_is_for_type_checkers_alone() -> None:
    assert [name for name, _, text in sources() if "TYPE_CHECKING" in text] == []


def test_no_module_has_a_vague_name() -> None:
    assert [name for name, _, _ in sources() if Path(name).name in VAGUE] == []


def test_every_module_says_why_it_exists() -> None:
    silent = [
        name
        for name, tree, _ in sources()
        if tree.body and Path(name).name != "__init__.py" and not ast.get_docstring(tree)
    ]

    assert silent == []


def test_only_the_gate_opens_sealed_content() -> None:
    found = {
        name
        for name, tree, _ in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) == "open_sealed"
    }

    assert found <= OPENS_SEALED


def test_only_those_who_use_a_secret_open_it() -> None:
    found = {
        name
        for name, tree, _ in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "open_secret" for alias in node.names)
    }

    # Seeds of one-time codes; and what signs webhooks, which a hash could not.
    assert found <= {"accounts/adapter.py", "labs/webhooks/signing.py"}


def test_only_the_named_modules_open_connections() -> None:
    found = {name for name, tree, _ in sources() for node in ast.walk(tree) if imported(node) & NETWORK}
    sandbox = {
        name for name in found if name.startswith("payments/sandbox/")
    }  # It stands in for Stripe, which calls us.

    assert {name for name in found - sandbox if not may_connect(name)} == set()


def may_connect(name: str) -> bool:
    """Say whether a module may open connections, or uses ``socket`` for no more than this machine's name."""
    return name in SPEAKS_TO_OTHERS or name in {"accounts/outbox.py", "payments/sending.py"}


def test_debug_is_never_a_question() -> None:
    assert [name for name, _, text in sources() if "settings.DEBUG" in text] == []


def test_nothing_reads_the_environment_but_the_settings() -> None:
    allowed = ("marketplace/",)
    found = [name for name, _, text in sources() if "os.environ" in text and not name.startswith(allowed)]

    assert found == []


def test_rows_are_written_without_signals() -> None:
    assert [name for name, _, text in sources() if "post_save" in text or "pre_save" in text] == []
