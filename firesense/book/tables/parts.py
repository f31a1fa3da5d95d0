"""What all tables are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ForeignKey,
    MetaData,
)

from firesense.book.columns import (
    NUMBER,
)

if TYPE_CHECKING:
    from sqlalchemy.sql.schema import SchemaItem
    from sqlalchemy.types import TypeEngine

metadata = MetaData()


def must(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], *more: SchemaItem, key: bool = False) -> Column[Any]:
    """Make a column that refuses NULL."""
    return Column(name, kind, *more, primary_key=key, nullable=False)


def number() -> Column[Any]:
    """Make a key that grows with every row and is never used again."""
    return Column("number", NUMBER, primary_key=True, autoincrement=True)


def of(target: str) -> ForeignKey:
    """Refer to a row that may be written later in the same transaction."""
    return ForeignKey(target, deferrable=True, initially="DEFERRED")
