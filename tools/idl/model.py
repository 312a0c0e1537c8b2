# SPDX-License-Identifier: BSD-2-Clause
"""A protocol as it was read, and where its arguments travel."""

import dataclasses

ANNEX_BYTES, BODY_LIMIT, HEADER_BYTES = 120, 1 << 20, 8


def align_up(value, align):
    return -(-value // align) * align


@dataclasses.dataclass
class Type:
    """A type of fixed size. `kind`: integer, enum, struct, cap or ui."""
    kind: str
    name: str  # as in C
    size: int
    align: int
    checked: bool = False  # not every pattern of bits is a value
    members: list = dataclasses.field(default_factory=list)  # (name, value), or Field
    doc: str = ""

    @property
    def signed(self):
        return self.kind == "integer" and self.name.startswith("int")


@dataclasses.dataclass
class Field:
    """A member of a structure, or an argument of fixed size; `count` 0: no array."""
    name: str
    type: Type
    count: int
    doc: str

    @property
    def size(self):
        return self.type.size * max(self.count, 1)

    @property
    def align(self):
        return self.type.align

    def members(self, _):
        """What it is called in the structure of its direction."""
        return [self.name]


@dataclasses.dataclass(eq=False)
class Variable:
    """A string or bytes: at most `limit` bytes, travels in the body."""
    name: str
    string: bool
    limit: int
    doc: str

    @property
    def ending(self):
        """Bytes in the body beyond its length: a string's NUL."""
        return 1 if self.string else 0

    def members(self, direction):
        return [self.name, f"{self.name}_bytes"] + (
            [f"{self.name}_room"] if direction == "out" else [])


@dataclasses.dataclass
class Operation:
    name: str
    number: int
    oneway: bool
    ins: list
    outs: list
    rights: list
    errors: list
    doc: str

    def __post_init__(self):
        self.request = Layout(self.ins, [a for a in self.outs if isinstance(a, Variable)])
        self.reply = Layout(self.outs, [])


class Layout:
    """Where the arguments of a request or a reply travel. The annex: header, a length for each
    variable argument, the room for each expected back, then what fits of the fixed ones. The body:
    the other fixed ones, then the variable ones without gaps."""

    def __init__(self, arguments, expected):
        self.variables = [a for a in arguments if isinstance(a, Variable)]
        slots = self.variables + expected
        self.slot = {v: HEADER_BYTES + 4 * i for i, v in enumerate(slots)}
        self.fixed = []  # (field, "annex" or "body", offset)
        place, at = "annex", HEADER_BYTES + 4 * len(slots)
        self.overflow = at > ANNEX_BYTES
        for field in arguments:
            if isinstance(field, Variable):
                continue
            at = align_up(at, field.align)
            if place == "annex" and at + field.size > ANNEX_BYTES:
                place, at = "body", 0
            self.fixed.append((field, place, at))
            at += field.size
        self.spill = align_up(at, 8) if place == "body" else 0
        self.body_max = self.spill + sum(v.limit + v.ending for v in self.variables)

    def fixed_in(self, place):
        return [(field, offset) for field, where, offset in self.fixed if where == place]

    @property
    def direct(self):
        """The body is one argument, as it stands in its owner's memory: it need not be copied."""
        return self.spill == 0 and len(self.variables) == 1


@dataclasses.dataclass
class Protocol:
    name: str
    version: int
    doc: str
    source: str
    constants: list = dataclasses.field(default_factory=list)  # (name, value, doc)
    types: list = dataclasses.field(default_factory=list)  # enums and structs, in order
    operations: list = dataclasses.field(default_factory=list)

    @property
    def upper(self):
        return self.name.upper()

    @property
    def id(self):
        """FNV-1a of the name, its halves folded into 16 bits."""
        value = 0x811C9DC5
        for byte in self.name.encode():
            value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
        return value >> 16 ^ value & 0xFFFF

    def limit_name(self, operation, variable, direction):
        return f"{self.upper}_{operation.name.upper()}_{direction}_{variable.name.upper()}_MAX"

    @property
    def rights(self):
        return list(dict.fromkeys(right for o in self.operations for right in o.rights))


