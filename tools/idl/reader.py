# SPDX-License-Identifier: BSD-2-Clause
"""Reads the language of idl/README.md."""

import errno
import pathlib
import re

from idl.model import BODY_LIMIT, Field, Operation, Protocol, Type, Variable, align_up

TOP = pathlib.Path(__file__).resolve().parents[2]

TOKEN = re.compile(r"[ \t]+|(?P<word>[A-Za-z_]\w*)|(?P<number>0[xX][0-9a-fA-F]+|\d+)"
                   r"|(?P<sign>[{}\[\];=])|(?P<comment>#.*)")
C_WORDS = set("""auto bool break case char const continue default do double else enum extern false
float for goto if inline int long register restrict return short signed sizeof static struct switch
true typedef union unsigned void volatile while""".split())


class IdlError(Exception):
    """What is wrong with a protocol, and in which line."""


SIMPLE = {f"{sign}{bits}": Type("integer", f"{c_sign}int{bits}_t", bits // 8, bits // 8)
          for sign, c_sign, widths in (("u", "u", (8, 16, 32, 64)), ("i", "", (32, 64)))
          for bits in widths}
SIMPLE["cap"] = Type("cap", "KnCap", 24, 8)
SIMPLE["ui"] = Type("ui", "KnUniqueId", 16, 8)


class Reader:
    """Recursive descent, one method a construct."""

    def __init__(self, path):
        self.path, self.tokens, self.at = path, [], 0
        self.alone, self.behind = {}, {}  # comments by line
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            self.split(line, number)
        self.tokens.append(("end", "the end of the file", len(lines)))
        self.named, self.constants, self.taken = {}, {}, {}
        self.prefix = ""

    def split(self, line, number):
        position, code = 0, False
        while position < len(line):
            found = TOKEN.match(line, position)
            if not found:
                raise IdlError(f"{self.path}:{number}: cannot read: {line[position:]}")
            position = found.end()
            if found.lastgroup == "comment":
                (self.behind if code else self.alone)[number] = found.group()[1:].strip()
            elif found.lastgroup:
                self.tokens.append((found.lastgroup, found.group(), number))
                code = True

    # Tokens

    def fail(self, text, line=None):
        raise IdlError(f"{self.path}:{line or self.tokens[self.at][2]}: {text}")

    def next(self):
        token = self.tokens[self.at]
        self.at += token[0] != "end"
        return token

    def peek(self, *texts):
        return self.tokens[self.at][1] in texts

    def take(self, text):
        if not self.peek(text):
            self.fail(f"'{text}' expected, not '{self.tokens[self.at][1]}'")
        return self.next()

    def name(self, what, pattern=r"[a-z][a-z0-9_]*"):
        kind, text, line = self.next()
        if kind != "word" or not re.fullmatch(pattern, text) or text in C_WORDS:
            self.fail(f"'{text}' cannot name {what}", line)
        return text

    def upper_name(self, what):
        return self.name(what, r"[A-Z][A-Z0-9_]*")

    def number(self, what, low, high):
        kind, text, line = self.next()
        if kind == "word" and text in self.constants:
            value = self.constants[text]
        elif kind == "number":
            value = int(text, 0)
        else:
            self.fail(f"{what} expected, not '{text}'", line)
        if not low <= value <= high:
            self.fail(f"{what} {value} is not within {low} to {high}", line)
        return value

    def claim(self, name, line):
        """A name of the header may stand for one thing only."""
        if name in self.taken:
            self.fail(f"{name} is already taken in line {self.taken[name]}", line)
        self.taken[name] = line

    def above(self, line):
        """The comment that ends in the line above; an empty line in it divides paragraphs."""
        lines = []
        while line - 1 in self.alone and "SPDX-License-Identifier" not in self.alone[line - 1]:
            line -= 1
            lines.insert(0, self.alone[line])
        return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip()

    # Constructs

    def protocol(self):
        line = self.take("protocol")[2]
        name = self.name("a protocol")
        if name == "idl" or name != self.path.stem:
            self.fail(f"a protocol in {self.path.name} is called {self.path.stem}", line)
        self.take("version")
        protocol = Protocol(name, self.number("a version", 1, 0xFFFF), self.above(line),
                            f"idl/{self.path.name}")
        self.prefix = name
        for word in ("PROTOCOL", "VERSION", "REQUEST_BODY_MAX", "REPLY_BODY_MAX",
                     "CLIENT_BODY_BYTES"):
            self.claim(f"{protocol.upper}_{word}", line)
        for word in ("protocol", "operation", "right", "service", "dispatch", "server_ops"):
            self.claim(f"{name}_{word}", line)
        readers = {"const": self.constant, "enum": self.enum, "struct": self.struct,
                   "operation": self.operation, "oneway": self.operation}
        while self.tokens[self.at][0] != "end":
            if self.tokens[self.at][1] not in readers:
                self.fail(f"no construct begins with '{self.tokens[self.at][1]}'")
            readers[self.tokens[self.at][1]](protocol)
        if not protocol.operations:
            self.fail("a protocol has operations")
        if len(protocol.rights) > 32:
            self.fail("a protocol has at most 32 rights")
        return protocol

    def constant(self, protocol):
        line = self.take("const")[2]
        name = self.upper_name("a constant")
        self.claim(f"{protocol.upper}_{name}", line)
        self.take("=")
        self.constants[name] = self.number("a number", 0, (1 << 64) - 1)
        doc = self.behind.get(line, "") or self.above(line)
        protocol.constants.append((name, self.constants[name], doc))

    def enum(self, protocol):
        line = self.take("enum")[2]
        name = self.name("an enum")
        self.claim(f"{protocol.name}_{name}", line)
        self.take("{")
        values = {}
        while not self.peek("}"):
            value_line = self.tokens[self.at][2]
            value = self.upper_name("a value")
            self.claim(f"{protocol.upper}_{name.upper()}_{value}", value_line)
            self.take("=")
            number = self.number("a value", 0, (1 << 31) - 1)
            self.take(";")
            if number in values.values():
                self.fail(f"two values of {name} are {number}", value_line)
            values[value] = number
        self.take("}")
        if not values:
            self.fail("an enum has values", line)
        self.named[("enum", name)] = Type("enum", f"{protocol.name}_{name}", 4, 4, True,
                                          list(values.items()), self.above(line))
        protocol.types.append(self.named[("enum", name)])

    def struct(self, protocol):
        line = self.take("struct")[2]
        name = self.name("a struct")
        self.claim(f"{protocol.name}_{name}", line)
        self.claim(f"{protocol.upper}_{name.upper()}_BYTES", line)
        self.take("{")
        fields, size = [], 0
        while not self.peek("}"):
            field = self.field()
            if field.name in [f.name for f in fields]:
                self.fail(f"two members are called {field.name}")
            fields.append(field)
            size = align_up(size, field.align) + field.size
        self.take("}")
        if not fields:
            self.fail("a struct has members", line)
        align = max(field.align for field in fields)
        self.named[("struct", name)] = Type(
            "struct", f"{protocol.name}_{name}", align_up(size, align), align,
            any(field.type.checked for field in fields), fields, self.above(line))
        protocol.types.append(self.named[("struct", name)])

    def field(self):
        kind, text, line = self.next()
        if text in ("enum", "struct"):
            name = self.name(f"a known {text}")
            if (text, name) not in self.named:
                self.fail(f"there is no {text} {name} above", line)
            of_type = self.named[(text, name)]
        elif kind == "word" and text in SIMPLE:
            of_type = SIMPLE[text]
        else:
            self.fail(f"'{text}' is no type of fixed size", line)
        name, count = self.name("a member or argument"), 0
        if self.peek("["):
            self.next()
            count = self.number("a count", 1, 65536)
            self.take("]")
        self.take(";")
        return Field(name, of_type, count, self.behind.get(line, ""))

    def argument(self):
        if not self.peek("string", "bytes"):
            return self.field()
        _, text, line = self.next()
        name = self.name("an argument")
        if self.peek(";"):
            self.fail(f"{text} {name} needs a limit")
        limit = self.number("a limit", 1, BODY_LIMIT)
        self.take(";")
        return Variable(name, text == "string", limit, self.behind.get(line, ""))

    def arguments(self, oneway):
        """What stands between the braces: {"in": [...], "out": [...]}."""
        found, names = {"in": [], "out": []}, {"in": [], "out": []}
        self.take("{")
        while not self.peek("}"):
            _, direction, line = self.next()
            if direction not in found:
                self.fail(f"'in' or 'out' expected, not '{direction}'", line)
            if oneway and direction == "out":
                self.fail("a one-way operation gives nothing back", line)
            argument = self.argument()
            for name in argument.members(direction):
                if name in names[direction]:
                    self.fail(f"two {direction}-arguments need the member {name}", line)
                names[direction].append(name)
            found[direction].append(argument)
        self.take("}")
        return found

    def words(self, keyword, what):
        found = []
        if self.peek(keyword):
            self.next()
            while self.tokens[self.at][0] == "word" and self.tokens[self.at][1].isupper():
                found.append(self.upper_name(what))
            if not found:
                self.fail(f"'{keyword}' without a name")
        return found

    def operation(self, protocol):
        line = self.tokens[self.at][2]
        oneway = self.peek("oneway")
        if oneway:
            self.next()
        self.take("operation")
        name = self.name("an operation")
        if name == "permit":
            self.fail("permit is the server's check of rights", line)
        for taken in (name, f"{name}_in", f"{name}_out"):
            self.claim(f"{protocol.name}_{taken}", line)
        self.claim(f"{protocol.upper}_{name.upper()}", line)
        number = self.number("an operation's number", 1, 0xFFFF)
        if number in [o.number for o in protocol.operations]:
            self.fail(f"operation number {number} is taken", line)
        found = self.arguments(oneway)
        rights, errors = self.words("rights", "a right"), self.words("errors", "an error")
        for error in errors:
            if error not in known_errors():
                self.fail(f"there is no error {error}", line)
        operation = Operation(name, number, oneway, found["in"], found["out"], rights, errors,
                              self.above(line))
        self.operation_check(protocol, operation, line)
        protocol.operations.append(operation)

    def operation_check(self, protocol, operation, line):
        for layout, what in ((operation.request, "request"), (operation.reply, "reply")):
            if layout.overflow:
                self.fail(f"the {what} has more strings and bytes than the annex has lengths", line)
            if layout.body_max > BODY_LIMIT:
                self.fail(f"the {what}'s body can have {layout.body_max} bytes, "
                          f"more than {BODY_LIMIT}", line)
        for direction, arguments in (("IN", operation.ins), ("OUT", operation.outs)):
            for argument in arguments:
                if isinstance(argument, Variable):
                    self.claim(protocol.limit_name(operation, argument, direction), line)


def known_errors():
    """UNIX errors by their Linux names, and those of the Nucleus."""
    ours = re.findall(r"K_ERROR\((K_E\w+),", (TOP / "abi/errors.def").read_text())
    return set(errno.errorcode.values()) | {"EWOULDBLOCK", "ENOTSUP"} | set(ours)


