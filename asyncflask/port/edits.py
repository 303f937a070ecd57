"""Edits of a file: for some nodes of its tree, functions that make the new node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import libcst as cst

Result: TypeAlias = cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[cst.CSTNode]
Edit: TypeAlias = Callable[[cst.CSTNode], Result]


class Edits:
    """What a step changes in one file."""

    def __init__(self) -> None:
        self._edits: dict[cst.CSTNode, list[Edit]] = {}

    def __bool__(self) -> bool:
        return bool(self._edits)

    def add(self, node: cst.CSTNode, edit: Edit) -> None:
        """Change a node.

        Args:
            node: A node of the file's tree.
            edit: Is called with the node after the edits inside of it; returns the new one.
        """
        self._edits.setdefault(node, []).append(edit)

    def has(self, node: cst.CSTNode) -> bool:
        """Return whether a node is changed.

        Args:
            node: The node.

        Returns:
            Whether it is.
        """
        return node in self._edits

    def apply(self, tree: cst.Module) -> bytes:
        """Return the bytes of the changed file.

        Args:
            tree: The parsed file.

        Returns:
            The bytes.
        """
        changed = tree.visit(_Editor(self._edits))
        assert isinstance(changed, cst.Module)
        return changed.bytes


class _Editor(cst.CSTTransformer):
    def __init__(self, edits: dict[cst.CSTNode, list[Edit]]) -> None:
        self._edits = edits

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Result:  # type: ignore[override]
        """Apply the edits of a node."""
        new: Result = updated_node
        for edit in self._edits.get(original_node, ()):
            assert isinstance(new, cst.CSTNode), "the last edit removes the node"
            new = edit(new)
        return new


def renamed_to(name: str) -> Edit:
    """Return an edit that writes another name.

    Args:
        name: The name.
    """
    return lambda node: node.with_changes(value=name)


def expression(node: cst.CSTNode) -> cst.BaseExpression:
    """Return a node of which the caller knows that it is an expression.

    Args:
        node: The node.
    """
    assert isinstance(node, cst.BaseExpression)
    return node
